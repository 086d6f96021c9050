import { Dialog } from './dialog.tsx';

const keys: readonly [string, string][] = [
  ['/', 'search'],
  ['j k', 'next and previous row, or event'],
  ['Enter', 'open the row'],
  ['.', 'show what is new'],
  ['p', 'pause, and go on'],
  ['r', 'run it again'],
  ['c', 'cancel it'],
  ['← →', 'previous and next event of an invocation'],
  ['g i', 'invocations'],
  ['g f', 'functions'],
  ['g d', 'dead letters'],
  ['g s', 'system'],
  ['?', 'these keys'],
  ['Esc', 'close, leave, back to the present'],
];

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl class="keys">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              {key.split(' ').map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
