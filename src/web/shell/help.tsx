import { Dialog } from './dialog.tsx';

const groups: readonly { title: string; keys: readonly [string, string][] }[] = [
  {
    title: 'Everywhere',
    keys: [
      ['g i', 'invocations'],
      ['g f', 'functions'],
      ['g d', 'dead letters'],
      ['g s', 'system'],
      ['/', 'search'],
      ['?', 'these keys'],
      ['Esc', 'close, leave a field'],
    ],
  },
  {
    title: 'Invocations',
    keys: [
      ['j k', 'next and previous row'],
      ['Enter', 'open the row'],
      ['.', 'show what is new'],
      ['p', 'pause, and go on'],
      ['r', 'run the row again'],
      ['c', 'cancel the row'],
    ],
  },
  {
    title: 'One invocation',
    keys: [
      ['j k', 'next and previous event'],
      ['← →', 'the same'],
      ['Esc', 'back to the present'],
      ['p', 'pause, and go on'],
      ['r', 'run it again'],
      ['c', 'cancel it'],
    ],
  },
];

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose} wide>
      <div class="keys">
        {groups.map(({ title, keys }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
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
          </section>
        ))}
      </div>
    </Dialog>
  );
}
