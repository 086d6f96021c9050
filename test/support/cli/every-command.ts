/*
 * Every command of the command line, as a person types it in a folder with `order.mjs`, `lines.jsonl` and `master.keys`. The order matters:
 * later commands name what earlier ones made. `<bulk>` is the newest bulk operation, and
 * `<gone>` the address of a receiver that refuses deliveries.
 */

const onNothing = `
ls
fn ls
bulk ls
batch ls
schedule ls
flow ls
cursor ls
dest ls
dest graph
dest dead ls
audit
archive ls
archive verify
heads
loss ls
project ls
connections ls
connections reload
storm --dry-run`;

const functions = `
fn put order --file order.mjs --max-retries 1 --backoff 100ms --on-failure HTTP=<gone>/hook
fn put keyed --file order.mjs --flow-concurrency 1 --flow-key $.key --flow-rate 10/1s --flow-pool erp --memory 128
fn ls
fn get order
fn get keyed
fn code order --to out
fn code order
flow ls
dest graph
fn publish order v1
fn versions order
fn alias set order prod v1
fn alias ls order
fn alias rollback order prod
fn alias promote order prod
fn alias rm order prod
fn event ls order
fn event get order big
fn event put order large -d {}
fn event ls order
fn event rm order large
fn pause keyed
fn set keyed --timeout 20s
fn export exported
fn deploy exported --plan
fn deploy exported
fn code put keyed --file order.mjs
fn layer put shared --file exported
fn layer ls
fn layer rm shared:1
fn resume keyed
fn rm order:v1 --yes
fn rm order`;

const invocations = `
invoke order --id good --wait -d {}
invoke order --id bad --follow -d '{"fail":true}'
invoke keyed --id later --in 1h -d {}
invoke keyed --batch lines.jsonl --key import`;

const history = `
ls
ls --all --limit 1
get good
get bad
get later
stats
stats --by version
sql 'select id, state from invocations'
tree good
timeline good
timeline bad
timeline later
explain bad
explain later
diff bad 1 99
logs order
logs order --level error
logs keyed nowhere
result bad
tail order --from 1 -n 3
tail order --from 1 -n 1 --durable reader
cursor ls
cursor rm reader
cursor rm reader
pull bad
run order.mjs -d {}
run order.mjs --event bad.event.json
batch ls
batch get import
batch results import
batch seal import
batch cancel import --yes
batch redrive import --dry-run
batch redrive import --yes`;

const repair = `
dest dead ls
dest dead ls --by function
dest dead show bad
dest dead redrive --all --dry-run
dest dead redrive bad
dest give-up bad --note 供应商停机
dest dead dismiss --all --yes --note 已人工处理
redrive --failed --dry-run
redrive --failed --yes
redrive bad --dry-run
redrive
cancel --open --dry-run
cancel --open --yes
cancel good
bulk ls
bulk show <bulk>
bulk abort <bulk>
whatif --max-retries 3
whatif --max-retries 0 --all
purge --function keyed --before 0s --dry-run
purge --function keyed --before 0s --yes`;

const operation = `
schedule put nightly --function order -d {} --jitter 1m --cron '0 3 * * *'
schedule ls
schedule get nightly
schedule run nightly
schedule pause nightly
schedule get nightly
schedule resume nightly
schedule rm nightly
project quota default --open 10 --rate 5 --stored 1GB --weight 2
project ls
project quota default
project encrypt default
project ls
project erase default
project erase default --yes
keys rotate
projection status
projection check
projection problems
projection rebuild
verify
doctor
env
loss show none
loss acknowledge none
backup saved
backup saved
restore saved
golden record good
golden check
connections test http <gone>/hook
nats-config keys
nats-streams
nats-permissions
signing-key create sign.pem
machine
help fn
completion bash
complete -- fn`;

const linesOf = (text: string): string[] => text.trim().split('\n');

/** The commands until there are invocations, and the commands after the invocations are settled. */
export const everyCommand = { first: linesOf(onNothing + functions + invocations), later: linesOf(history + repair + operation) };
