// Draws the charts of a report from the numbers in the page, when somebody opens them.
import * as echarts from "echarts/core";
import { BarChart, FunnelChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { SVGRenderer } from "echarts/renderers";

echarts.use([BarChart, FunnelChart, GridComponent, TooltipComponent, SVGRenderer]);

const drawn = new Map(); // element -> its chart
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const number = (value) => new Intl.NumberFormat(document.documentElement.lang || "en").format(value);
const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

function common() {
  return {
    animation: !isCalm(), animationDuration: 300,
    textStyle: { fontFamily: token("--tblr-font-sans-serif") },
    // as drawing, not as HTML: the policy of the page allows no inline style
    tooltip: { renderMode: "richText", confine: true, backgroundColor: token("--tblr-bg-surface"), borderColor: token("--tblr-border-color"),
      textStyle: { color: token("--tblr-body-color"), fontSize: 13 } },
  };
}

function bars(points, name) {
  const quiet = token("--tblr-secondary-color");
  const base = common();
  return { ...base,
    tooltip: { ...base.tooltip, trigger: "axis", axisPointer: { type: "shadow", shadowStyle: { color: token("--tblr-border-color-translucent") } },
      formatter: ([point]) => `${point.name}\n${name}: ${number(point.value)}` },
    grid: { left: 4, right: 4, top: 12, bottom: 4, containLabel: true },
    xAxis: { type: "category", data: points.map(([label]) => label), axisTick: { show: false }, axisLine: { lineStyle: { color: token("--tblr-border-color") } },
      axisLabel: { color: quiet, hideOverlap: true } },
    yAxis: { type: "value", minInterval: 1, axisLabel: { color: quiet, formatter: number }, splitLine: { lineStyle: { color: token("--tblr-border-color") } } },
    series: [{ type: "bar", name, data: points.map(([, value]) => value), barMaxWidth: 36, itemStyle: { color: token("--tblr-primary"), borderRadius: [3, 3, 0, 0] } }],
  };
}

function funnel(points) {
  const colors = ["--m-idle", "--tblr-primary", "--m-ok", "--m-hold"].map(token);
  const base = common();
  return { ...base,
    tooltip: { ...base.tooltip, trigger: "item", formatter: (point) => `${point.name}: ${number(point.data.people)}` },
    series: [{ type: "funnel", sort: "none", left: 8, right: "45%", top: 8, bottom: 8, gap: 4, min: 0, max: points[0][1], minSize: "2%",
      label: { position: "right", color: token("--tblr-body-color"), formatter: (point) => `${point.name}  ${number(point.data.people)}  (${(100 * point.data.share).toFixed(1)} %)` },
      labelLine: { length: 12, lineStyle: { color: token("--tblr-border-color") } }, emphasis: { label: { fontWeight: "normal" } },
      data: points.map(([name, people, share], at) => ({ name, value: people, people, share, itemStyle: { color: colors[at], borderWidth: 0 } })) }],
  };
}

function option(element) {
  const points = JSON.parse(element.dataset.points);
  return element.dataset.chart === "bars" ? bars(points, element.dataset.name) : funnel(points);
}

const watcher = new ResizeObserver((entries) => entries.forEach(({ target }) => drawn.get(target)?.resize()));

function draw() {
  for (const [element, chart] of drawn) if (!element.isConnected) { chart.dispose(); watcher.unobserve(element); drawn.delete(element); }
  for (const element of document.querySelectorAll("[data-chart]")) {
    if (drawn.has(element)) continue;
    const chart = echarts.init(element, null, { renderer: "svg" });
    chart.setOption(option(element));
    drawn.set(element, chart);
    watcher.observe(element);
  }
}

// light and dark have their own colours
new MutationObserver(() => drawn.forEach((chart, element) => chart.setOption(option(element), true)))
  .observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });

document.addEventListener("htmx:afterSettle", draw);
draw();
