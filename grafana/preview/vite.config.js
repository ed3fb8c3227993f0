// One page. What @grafana/ui looks for at run time is Grafana's own window object.
export default {
  base: "./",
  esbuild: { jsx: "automatic" },
  build: { chunkSizeWarningLimit: 20000, minify: false, sourcemap: false },
  define: { "process.env.NODE_ENV": '"production"', global: "window" },
};
