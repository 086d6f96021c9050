#!/usr/bin/env node
import { bootstrap, runSequent } from './bootstrap.mjs';

bootstrap();
await runSequent(process.argv.slice(2));
