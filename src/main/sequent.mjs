#!/usr/bin/env -S node --max-semi-space-size=64 --no-allocation-site-pretenuring
import { bootstrap, runSequent } from './bootstrap.mjs';

bootstrap();
await runSequent(process.argv.slice(2));
