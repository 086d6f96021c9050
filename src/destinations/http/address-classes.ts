import { BlockList, isIP } from 'node:net';

/** `private`: for connections with `allowPrivate`. `forbidden`: for no connection, such as the metadata services of clouds. */
export type AddressClass = 'public' | 'private' | 'forbidden';

type Family = 'ipv4' | 'ipv6';

/**
 * The class of an IP address.
 *
 * In IPv6 only the global unicast range is public. Every form that embeds an IPv4 address (v4-mapped, v4-compatible, NAT64, Teredo, 6to4)
 * is therefore forbidden, whichever address it embeds.
 */
export function classOf(address: string): AddressClass {
  const family = familyOf(address);
  // A list with the v4-mapped range would match every IPv4 address, so this range has its own list.
  if (family === undefined || (family === 'ipv6' && mapped.check(address, family))) return 'forbidden';
  if (forbidden.check(address, family)) return 'forbidden';
  if (privateNetworks.check(address, family)) return 'private';
  if (reserved.check(address, family)) return 'forbidden';
  return family === 'ipv4' || globalUnicast.check(address, family) ? 'public' : 'forbidden';
}

/** `undefined` for an address with a zone (`fe80::1%eth0`), which is never global. */
function familyOf(address: string): Family | undefined {
  if (address.includes('%')) return undefined;
  const version = isIP(address);
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6';
}

const forbidden = listOf(
  '0.0.0.0/8', // this host
  '169.254.0.0/16', // link-local: metadata of AWS, Azure, GCP, Huawei, OpenStack
  '100.100.100.200/32', // metadata of Alibaba
  '168.63.129.16/32', // the platform address of Azure
  '192.0.0.0/24', // protocol assignments: metadata of Oracle
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
  'fd00:ec2::/32', // metadata of AWS
  'fd20:ce::/32', // metadata of GCP
  '::/128',
  'fe80::/10',
  'ff00::/8',
);

const privateNetworks = listOf('10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '::1/128', 'fc00::/7');

const reserved = listOf(
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24',
  '203.0.113.0/24',
  '2001::/23', // Teredo, ORCHID, benchmarks
  '2001:db8::/32',
  '2002::/16', // 6to4
  '3fff::/20',
);

const mapped = listOf('::ffff:0:0/96');

const globalUnicast = listOf('2000::/3');

function listOf(...subnets: string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [network = '', prefix] = subnet.split('/');
    list.addSubnet(network, Number(prefix), network.includes(':') ? 'ipv6' : 'ipv4');
  }
  return list;
}
