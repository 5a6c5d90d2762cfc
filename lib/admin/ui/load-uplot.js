let loading;

/** Loads the library of the chart, once, on the first page that has a chart. */
export function loadUplot() {
  loading ??= load();
  return loading;
}

async function load() {
  try {
    await Promise.all([
      append('link', { rel: 'stylesheet', href: new URL('./uplot.min.css', import.meta.url).href }),
      append('script', { src: new URL('./uplot.min.js', import.meta.url).href }),
    ]);
    return globalThis.uPlot;
  } catch (error) {
    loading = undefined;
    throw error;
  }
}

function append(tag, properties) {
  return new Promise((resolve, reject) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.addEventListener('load', resolve);
    node.addEventListener('error', () => reject(new Error('The chart could not be loaded.')));
    document.head.append(node);
  });
}
