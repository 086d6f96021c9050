#!/usr/bin/env -S node --max-semi-space-size=64 --no-allocation-site-pretenuring
import './early-hang-up.mjs';
import { installPackages } from './install.mjs';
import { runCli } from './run-cli.mjs';

installPackages();
await runCli(process.argv.slice(2));
