import { type Argument, type Command, Help, type HelpConfiguration, type Option } from 'commander';
import { currentLanguage } from '#src/core/text/language.ts';
import { widthOf } from './print/terminal.ts';

/** The help in the current language. */
export type HelpTexts = {
  /** What commander prints: descriptions of commands, arguments and options, and the titles above them. */
  configuration: HelpConfiguration;
  /** A text of a command that stands before or after those. */
  translate: (text: string) => string;
};

/** The texts of the help: English ones as they are, Chinese ones by the catalogue, which is loaded only then. */
export async function loadHelpTexts(): Promise<HelpTexts> {
  if (currentLanguage() === 'en') return { configuration: {}, translate: (text) => text };
  const { commands, others } = (await import('./texts/help-zh-cn.json', { with: { type: 'json' } })).default;
  const catalogue: Readonly<Record<string, string>> = { ...commands, ...others };
  const translate = (text: string): string => (Object.hasOwn(catalogue, text) ? (catalogue[text] as string) : text);
  return { configuration: configurationBy(translate), translate };
}

function configurationBy(translate: HelpTexts['translate']): HelpConfiguration {
  const english = new Help();
  return {
    displayWidth: widthOf,
    styleTitle: translate,
    commandDescription: (command: Command) => translate(english.commandDescription(command)),
    subcommandDescription: (command: Command) => translate(english.subcommandDescription(command)),
    argumentDescription: (argument: Argument) => withNotes(english.argumentDescription(argument), argument.description, translate),
    optionDescription: (option: Option) => withNotes(english.optionDescription(option), option.description, translate),
  };
}

/** Commander adds the choices and the default of an option behind its description. */
function withNotes(text: string, description: string, translate: HelpTexts['translate']): string {
  const notes = text
    .slice(description.length)
    .replace(/^ \((.*)\)$/, '（$1）')
    .replaceAll(', default: ', '，默认：');
  return translate(description) + notes.replace('（choices: ', '（可选值：').replace('（default: ', '（默认：');
}
