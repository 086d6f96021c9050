import type { Theme } from 'vitepress';
// Without the fonts, which would be half of the first load.
import DefaultTheme from 'vitepress/theme-without-fonts';
import { TryPolicy } from './try-policy.ts';
import './style.css';

export default {
  extends: DefaultTheme,
  enhanceApp: ({ app }) => void app.component('TryPolicy', TryPolicy),
} satisfies Theme;
