import { Dialog } from './dialog.tsx';
import { type Text, t } from './language.ts';

const groups: readonly { title: Text; keys: readonly [string, Text][] }[] = [
  {
    title: 'Everywhere',
    keys: [
      ['g i', 'invocations'],
      ['g f', 'functions'],
      ['g h', 'schedules'],
      ['g b', 'batches'],
      ['g d', 'dead letters'],
      ['g s', 'the system'],
      ['/', 'search'],
      ['?', 'show the keys'],
      ['Esc', 'close a dialog or leave a field'],
    ],
  },
  {
    title: 'Invocations',
    keys: [
      ['j k', 'next and previous row'],
      ['Enter', 'open the invocation'],
      ['x', 'select the row for a bulk action'],
      ['.', 'show new invocations'],
      ['p', 'pause and resume'],
      ['r', 'redrive the invocation'],
      ['c', 'cancel the invocation'],
    ],
  },
  {
    title: 'One invocation',
    keys: [
      ['j k', 'next and previous event'],
      ['← →', 'previous and next event'],
      ['Esc', 'back to the latest event'],
      ['p', 'pause and resume'],
      ['r', 'redrive the invocation'],
      ['c', 'cancel the invocation'],
    ],
  },
];

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={t('Keys')} onClose={onClose} wide>
      <div class="keys">
        {groups.map(({ title, keys }) => (
          <section key={title}>
            <h3>{t(title)}</h3>
            <dl>
              {keys.map(([key, effect]) => (
                <div key={key}>
                  <dt>
                    {key.split(' ').map((one) => (
                      <kbd key={one}>{one}</kbd>
                    ))}
                  </dt>
                  <dd>{t(effect)}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
