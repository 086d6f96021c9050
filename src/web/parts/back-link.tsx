import { Link } from '../shell/router.tsx';
import { Icon } from './icon.tsx';

/** The arrow in the head of a page, which leads to the list that holds the page's subject. `name` is the name of that list. */
export function BackLink({ to, name }: { to: string; name: string }) {
  return (
    <Link to={to} class="button quiet small" aria-label={name}>
      <Icon name="back" />
    </Link>
  );
}
