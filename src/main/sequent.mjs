#!/usr/bin/env node
import { bootstrap, buildPages, runSequent } from './bootstrap.mjs';

bootstrap();
if (process.argv[2] === 'serve') buildPages();
await runSequent(process.argv.slice(2));
