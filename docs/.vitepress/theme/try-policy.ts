import { useData, withBase } from 'vitepress';
import { defineComponent, h, onBeforeUnmount, onMounted, ref } from 'vue';

/** The page that `build/site/try` bundles, in a shadow tree: its styles are those of the pages of Sequent. */
export const TryPolicy = defineComponent({
  name: 'TryPolicy',
  setup() {
    const place = ref<HTMLElement>();
    const { lang } = useData();
    let unmount = (): void => {};
    onMounted(async () => {
      if (place.value === undefined) return;
      const load = (name: string) => import(/* @vite-ignore */ withBase(`/try-policy/${name}.js`));
      const [{ mountPolicyPage }, { runPolicy }] = await Promise.all([load('view'), load('run')]);
      const shadow = place.value.attachShadow({ mode: 'open' });
      const styles = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: withBase('/try-policy/view.css') });
      const page = document.createElement('div');
      shadow.append(styles, page);
      unmount = await mountPolicyPage(page, { language: lang.value === 'zh-CN' ? 'zh-CN' : 'en', run: runPolicy });
    });
    onBeforeUnmount(() => unmount());
    return () => h('div', { ref: place, class: 'try-policy' });
  },
});
