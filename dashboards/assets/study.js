/**
 * Draws what a study found, and the runs behind a number of it.
 *
 *     ecosimStudy.mount(element, shown, {echarts, language, on}) -> {update, setLanguage, destroy}
 *
 * `shown` is what dashboards/parts/study_charts.py or study_runs.py makes: sections, each with a chart and a table of the same
 * numbers; `on` has the callbacks pick(what) and turn(page). Names come from users: every text enters as a text node.
 */
(() => {
  "use strict";

  const INK = "#1A1A1A";
  const QUIET = "#595959";
  const FAINT = "#E3E3E3";
  const BLUE = "#0072B2";
  const GREY = "#999999";
  const FONT = 13;
  const FIRST_FACTORS = 6;
  const NAMED_DOTS = 8; // of a scatter, of which the first are the largest
  const STRIPES = { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: -Math.PI / 4, color: "rgba(0,0,0,0.45)" };
  const RAMP = ["#F7FBFF", "#C6DBEF", "#6BAED6", "#2171B5", "#08306B"];

  /** Make an element; strings among the children become text nodes. */
  function make(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null));
    return made;
  }

  /** A number of an axis, in as few digits as tell it. */
  function short(value) {
    if (value === 0) return "0";
    const [size, sign] = Math.abs(value) >= 1e9 ? [1e9, " G"] : Math.abs(value) >= 1e6 ? [1e6, " M"] : Math.abs(value) >= 1e4 ? [1e3, " k"] : [1, ""];
    return `${Number((value / size).toPrecision(4))}${sign}`.replace("-", "−");
  }

  const percent = (value) => `${Number((100 * value).toPrecision(3))}\u00a0%`.replace("-", "−");

  /** The lowest and the highest of some numbers, with some room; those that are none do not count. */
  function span(values) {
    const known = values.filter((value) => value !== null && value !== undefined);
    const low = Math.min(...known);
    const high = Math.max(...known);
    const room = (high - low || Math.abs(high) || 1) * 0.06;
    return [low - room, high + room];
  }

  const axis = (more = {}) => ({
    axisLabel: { color: INK, fontSize: FONT, formatter: more.format, hideOverlap: true, ...more.label },
    axisLine: { show: true, lineStyle: { color: GREY } },
    splitLine: { lineStyle: { color: FAINT } },
    ...more.axis,
  });

  const named = (name, gap = 28) => ({ name, nameLocation: "middle", nameGap: gap, nameTextStyle: { color: INK, fontSize: FONT } });

  /** An interval as a line with ends, upright or lying; data are [place, low, high]. */
  function interval(colour, lying, width = 2, shift = 0) {
    return {
      type: "custom", silent: true, z: 3, encode: lying ? { x: [1, 2], y: 0 } : { x: 0, y: [1, 2] },
      renderItem(_, api) {
        const [low, high] = [api.value(1), api.value(2)];
        if (Number.isNaN(low) || Number.isNaN(high)) return null;
        const [from, to] = [low, high].map((end) => (lying ? api.coord([end, api.value(0)]) : api.coord([api.value(0), end])));
        for (const end of [from, to]) end[lying ? 1 : 0] += shift;
        const line = (one, other) => ({ type: "line", shape: { x1: one[0], y1: one[1], x2: other[0], y2: other[1] }, style: { stroke: colour, lineWidth: width } });
        const cap = (end) => (lying ? line([end[0], end[1] - 4], [end[0], end[1] + 4]) : line([end[0] - 4, end[1]], [end[0] + 4, end[1]]));
        return { type: "group", children: [line(from, to), cap(from), cap(to)] };
      },
    };
  }

  class Study {
    constructor(host, shown, options) {
      Object.assign(this, { host, echarts: options.echarts, on: options.on ?? {}, language: options.language, charts: [], opened: new Set() });
      this.sized = new ResizeObserver(() => { for (const { chart } of this.charts) chart.resize(); });
      this.sized.observe(host);
      this.update(shown);
    }

    update(shown) {
      this.clear();
      this.shown = shown;
      this.words = shown.words;
      this.root = make("div", { class: "ecosim-study" });
      this.host.replaceChildren(this.root);
      if (shown.title) {
        this.heading = make("h2", { tabindex: "-1" }, shown.title);
        this.root.append(this.heading, make("p", {}, shown.note));
      } else if (this.on.pick) this.root.append(make("p", { class: "study-quiet" }, this.words.click));
      const grid = make("div", { class: shown.title ? "study-grid study-behind" : "study-grid" });
      this.root.append(grid);
      for (const section of shown.sections) this.section(section, grid);
      if (shown.runs) this.root.append(this.runs(shown));
      this.arrive(JSON.stringify(shown.arrived ?? null));
      for (const { chart } of this.charts) chart.resize();
    }

    /** Go to the runs when others were asked for, and not when their table is turned or the language changes. */
    arrive(asked) {
      if (this.heading && asked !== this.arrived) {
        this.heading.scrollIntoView({ block: "start", behavior: "auto" });
        this.heading.focus({ preventScroll: true });
      }
      this.arrived = asked;
    }

    /** Draw a section in its place, which is in the page already, so that its width is known. */
    section(section, grid) {
      const body = make("div", { class: "study-body" });
      const made = make("section", { class: `study-section study-${section.kind}`, "aria-label": section.title },
        make("h3", {}, section.title), make("p", { class: "study-quiet" }, section.note), body);
      grid.append(made);
      this[section.kind](section, body);
      made.append(this.numbers(section));
    }

    /** The numbers of a chart as a table that opens and shuts; it stays open when the section is drawn anew. */
    numbers(section) {
      const details = make("details", { open: this.opened.has(section.id) }, make("summary", {}, this.words.table));
      details.addEventListener("toggle", () => this.opened[details.open ? "add" : "delete"](section.id));
      const place = make("div", { class: "study-scroll", tabindex: "0", role: "region", "aria-label": `${section.title}: ${this.words.table}` });
      details.append(place);
      section.fill = (table) => place.replaceChildren(this.table(table));
      section.fill(section.filled ?? section.table);
      return details;
    }

    table({ head, rows, picks }) {
      const cell = (text, at, pick) => {
        if (at) return make("td", {}, text);
        return make("th", { scope: "row" }, pick && this.on.pick ? make("button", { type: "button", onclick: () => this.on.pick(pick) }, text) : text);
      };
      return make("table", {}, make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))),
        make("tbody", {}, ...rows.map((row, number) => make("tr", {}, ...row.map((text, at) => cell(text, at, picks[number]))))));
    }

    /** A chart in a box of its own, a picture to a screen reader. */
    chart(place, height, label, option, picks) {
      const box = make("div", { class: "study-chart", role: "img", "aria-label": label, style: `height: ${height}px` });
      place.append(box);
      const chart = this.echarts.init(box, null, { renderer: "canvas" });
      const font = getComputedStyle(this.root).fontFamily;
      chart.setOption({ animation: false, textStyle: { fontFamily: font, fontSize: FONT, color: INK }, tooltip: { confine: true, renderMode: "richText" }, ...option });
      if (picks && this.on.pick) chart.on("click", (event) => { const pick = picks(event); if (pick) this.on.pick(pick); });
      this.charts.push({ chart, box });
      return chart;
    }

    /** Take away the charts of a place that is drawn anew. */
    empty(place) {
      this.charts = this.charts.filter(({ chart, box }) => {
        if (place.contains(box)) chart.dispose();
        return !place.contains(box);
      });
      place.replaceChildren();
    }

    format(section) { return section.percent ? percent : short; }

    // -- kinds of sections --------------------------------------------------------------------------------------------

    effects(section, body) {
      const place = make("div", { class: "study-many" });
      const range = span(section.factors.flatMap((factor) => factor.levels.flatMap((level) => level.slice(2))));
      // All cells stand before the first is drawn: how wide they are depends on how many there are.
      const draw = (factors) => {
        const cells = factors.map((factor) => make("div", {}, make("h4", {}, factor.label)));
        place.append(...cells);
        factors.forEach((factor, at) => this.effect(section, factor, range, cells[at]));
      };
      body.append(place);
      draw(section.factors.slice(0, FIRST_FACTORS));
      if (section.factors.length > FIRST_FACTORS) {
        const more = make("button", { type: "button", class: "study-more" }, `${this.words.show_all} (${section.factors.length})`);
        more.addEventListener("click", () => { more.remove(); draw(section.factors.slice(FIRST_FACTORS)); });
        body.append(more);
      }
    }

    effect(section, factor, range, cell) {
      const { levels, picks } = factor;
      const labels = levels.map((level) => level[0]);
      const means = levels.map((level, at) => [at, level[2]]);
      const told = levels.map((level) => `${level[0]}: ${level[2] === null ? "–" : this.format(section)(level[2])}`).join("; ");
      const room = Math.max(34, (cell.clientWidth - 66) / levels.length - 3);
      this.chart(cell, 210, `${section.axis}, ${factor.label}. ${told}`, {
        grid: { left: 8, right: 12, top: 12, bottom: 4, containLabel: true },
        xAxis: axis({ axis: { type: "category", data: labels, splitLine: { show: false } }, label: { interval: 0, hideOverlap: false, width: room, overflow: "break", fontSize: 12 } }),
        yAxis: axis({ format: this.format(section), axis: { type: "value", min: range[0], max: range[1], axisLabel: { color: INK, fontSize: FONT, formatter: this.format(section), showMinLabel: false, showMaxLabel: false } } }),
        tooltip: { confine: true, renderMode: "richText", formatter: ({ dataIndex }) => `${factor.label}: ${labels[dataIndex]}\n${this.format(section)(levels[dataIndex][2])}` },
        series: [
          { ...interval(BLUE, false), data: levels.map((level, at) => [at, level[3], level[4]]) },
          { type: "line", data: means, symbol: "circle", symbolSize: 13, cursor: "pointer", triggerLineEvent: false, z: 4,
            lineStyle: { color: BLUE, width: factor.numeric ? 1.5 : 0, opacity: factor.numeric ? 1 : 0 }, itemStyle: { color: BLUE, borderColor: "#FFFFFF", borderWidth: 2 } },
        ],
      }, ({ dataIndex }) => picks[dataIndex]);
    }

    heat(section, body) {
      const names = [...new Map(section.pairs.flatMap((pair) => pair.names.map((name, at) => [name, pair.labels[at]])))];
      let chosen = [...section.pairs[0].names];
      const place = make("div", {});
      const selects = section.selects.map((label, which) => make("label", {}, `${label} `, make("select", {
        onchange: (event) => {
          const other = chosen[1 - which] === event.target.value ? chosen[which] : chosen[1 - which];
          chosen = which ? [other, event.target.value] : [event.target.value, other];
          draw();
        },
      }, ...names.map(([name, text]) => make("option", { value: name }, text)))));
      const draw = () => {
        selects.forEach((label, which) => { label.querySelector("select").value = chosen[which]; });
        this.empty(place);
        this.cells(section, chosen, place);
      };
      body.append(make("div", { class: "study-selects" }, ...selects), place);
      draw();
    }

    cells(section, chosen, place) {
      const pair = section.pairs.find(({ names }) => chosen.every((name) => names.includes(name)));
      const turned = pair.names[0] !== chosen[0];
      const [across, upward] = turned ? [1, 0] : [0, 1];
      const shown = (label) => section.shown[label] ?? label;
      const data = pair.cells.map((cell) => [pair.levels[across].indexOf(cell[across]), pair.levels[upward].indexOf(cell[upward]), cell[2]]);
      const means = pair.cells.map((cell) => cell[2]);
      const [low, high] = [Math.min(...means), Math.max(...means)];
      const picks = pair.cells.map((cell) => ({ at: { [pair.names[0]]: cell[0], [pair.names[1]]: cell[1] } }));
      const rows = pair.cells.map((cell) => [`${pair.labels[across]}: ${shown(cell[across])}, ${pair.labels[upward]}: ${shown(cell[upward])}`, cell[3], cell[4], String(cell[5])]);
      section.filled = { head: section.table.head, rows, picks };
      if (section.fill) section.fill(section.filled);
      const label = `${section.axis}. ${rows.map((row) => `${row[0]}: ${row[1]}`).join("; ")}`;
      this.chart(place, Math.max(220, 110 + 46 * pair.levels[upward].length), label, {
        grid: { left: 8, right: 12, top: 26, bottom: 34, containLabel: true },
        xAxis: axis({ axis: { type: "category", data: pair.levels[across].map(shown), splitLine: { show: false }, ...named(pair.labels[across], 36) }, label: { interval: 0, hideOverlap: false, width: (place.clientWidth - 90) / pair.levels[across].length, overflow: "break" } }),
        yAxis: axis({ axis: { type: "category", data: pair.levels[upward].map(shown), splitLine: { show: false }, name: pair.labels[upward], nameLocation: "end", nameGap: 8, nameTextStyle: { color: INK, fontSize: FONT, align: "left" } }, label: { interval: 0, hideOverlap: false, width: 74, overflow: "break" } }),
        visualMap: { show: false, min: low, max: high > low ? high : low + 1, inRange: { color: RAMP } },
        tooltip: { confine: true, renderMode: "richText", formatter: ({ dataIndex }) => rows[dataIndex].slice(0, 3).join("\n") },
        series: [{ type: "heatmap", cursor: "pointer", itemStyle: { borderColor: "#FFFFFF", borderWidth: 2 },
          data: data.map((value, at) => ({ value, label: { show: true, formatter: rows[at][1], color: (means[at] - low) / (high - low || 1) > 0.5 ? "#FFFFFF" : INK, fontSize: 14 } })) }],
      }, ({ dataIndex }) => picks[dataIndex]);
    }

    bars(section, body) {
      const { bars, series } = section;
      const labels = bars.map((bar) => bar.label);
      const told = bars.map((bar) => `${bar.label}: ${bar.values.map((value) => (value[0] === null ? "–" : short(Number(value[0].toPrecision(3))))).join(", ")}`).join("; ");
      const width = series.length > 1 ? 9 : 14;
      const shifts = series.length > 1 ? [-6.5, 6.5] : [0];
      this.chart(body, 72 + bars.length * this.rowHeight(body, labels, series.length > 1 ? 34 : 28), `${section.axis}. ${told}`, {
        legend: series.length > 1 ? { top: 0, left: 0, textStyle: { color: INK, fontSize: FONT }, selectedMode: false, icon: "roundRect" } : undefined,
        grid: { left: this.margin(body, labels), right: 16, top: series.length > 1 ? 30 : 6, bottom: 48 },
        xAxis: axis({ format: short, axis: { type: "value", ...named(section.axis) } }),
        yAxis: axis({ axis: { type: "category", data: labels, inverse: true, splitLine: { show: false } }, label: { interval: 0, width: this.labelWidth(body), overflow: "break", hideOverlap: false } }),
        tooltip: { confine: true, renderMode: "richText", formatter: ({ name, seriesName, value }) => `${name}\n${seriesName}: ${short(Number(value.toPrecision(3)))}` },
        series: series.flatMap((one, which) => [
          { type: "bar", name: one.name, barWidth: width, barGap: "45%", data: bars.map((bar) => bar.values[which][0]), itemStyle: { color: one.colour, ...(one.striped ? { decal: STRIPES } : {}) } },
          { ...interval(INK, true, 1.5, shifts[which]), data: bars.map((bar, at) => [at, bar.values[which][1], bar.values[which][2]]) },
        ]),
      });
    }

    labelWidth(body) { return Math.max(100, Math.min(210, body.clientWidth * 0.36)); }

    /** Where rows begin: ECharts' own guess is short for labels that nearly fill their width. */
    margin(body, labels) {
      const context = (this.measuring = this.measuring || document.createElement("canvas").getContext("2d"));
      context.font = `${FONT}px ${getComputedStyle(this.root).fontFamily}`;
      return 14 + Math.min(this.labelWidth(body), Math.max(...labels.map((label) => context.measureText(label).width)));
    }

    /** Room for a row whose label may take more than one line. */
    rowHeight(body, labels, least) {
      const longest = Math.max(...labels.map((label) => [...label].reduce((sum, letter) => sum + (letter > "\u2E80" ? 13 : 7), 0)));
      return Math.max(least, 8 + 15 * Math.ceil((1.15 * longest) / this.labelWidth(body)));
    }

    scatter(section, body) {
      const { dots } = section;
      const x = span([0, ...dots.flatMap((dot) => [dot[1], dot[4]])]);
      this.chart(body, 380, `${section.axes.join("; ")}. ${dots.map((dot) => dot[0]).join(", ")}`, {
        grid: { left: 30, right: 24, top: 14, bottom: 32, containLabel: true },
        xAxis: axis({ axis: { type: "value", min: 0, max: x[1], axisLabel: { color: INK, fontSize: FONT, formatter: this.format(section), showMaxLabel: false }, ...named(section.axes[0]) } }),
        yAxis: axis({ format: this.format(section), axis: { type: "value", min: 0, ...named(section.axes[1], 52) } }),
        tooltip: { confine: true, renderMode: "richText", formatter: ({ dataIndex }) => dots[dataIndex][0] },
        series: [
          { ...interval(GREY, true, 1), data: dots.map((dot) => [dot[2], dot[3], dot[4]]) },
          { type: "scatter", symbolSize: 10, z: 4, itemStyle: { color: section.colour }, data: dots.map((dot) => [dot[1], dot[2]]),
            label: { show: true, position: "top", color: INK, fontSize: 12, formatter: ({ dataIndex }) => (dataIndex < NAMED_DOTS ? dots[dataIndex][0] : "") }, labelLayout: { hideOverlap: true } },
        ],
      });
    }

    forest(section, body) {
      const { lines, colours } = section;
      const labels = lines.map((line) => line.label);
      const [low, high] = span([...(section.zero ? [0] : []), ...lines.flatMap((line) => [...line.value, ...(line.behind ?? [])])]);
      const told = lines.map((line) => `${line.label}: ${this.format(section)(line.value[0])}`).join("; ");
      this.chart(body, 72 + this.rowHeight(body, labels, 32) * lines.length, `${section.axis}. ${told}`, {
        legend: section.names.length ? { top: 0, left: 0, textStyle: { color: INK, fontSize: FONT }, selectedMode: false, icon: "roundRect", data: section.names } : undefined,
        grid: { left: this.margin(body, labels), right: 16, top: section.names.length ? 30 : 6, bottom: 48 },
        xAxis: axis({ axis: { type: "value", min: low, max: high, axisLabel: { color: INK, fontSize: FONT, formatter: this.format(section), showMinLabel: false, showMaxLabel: false, hideOverlap: true }, ...named(section.axis) } }),
        yAxis: axis({ axis: { type: "category", data: labels, inverse: true, splitLine: { show: false } }, label: { interval: 0, width: this.labelWidth(body), overflow: "break", hideOverlap: false } }),
        tooltip: { confine: true, renderMode: "richText", formatter: ({ dataIndex }) => `${labels[dataIndex]}\n${this.format(section)(lines[dataIndex].value[0])}` },
        series: [
          { ...interval(colours[1], true, 2, 7), name: section.names[1], itemStyle: { color: colours[1] }, data: lines.map((line, at) => [at, ...(line.behind ?? [null, null])]) },
          { ...interval(colours[0], true, 2.5), name: section.names[0], itemStyle: { color: colours[0] }, data: lines.map((line, at) => [at, line.value[1], line.value[2]]) },
          { type: "scatter", symbol: "diamond", symbolSize: 13, z: 4, cursor: lines.some((line) => line.pick) ? "pointer" : "default", itemStyle: { color: colours[0] },
            data: lines.map((line, at) => [line.value[0], at]),
            markLine: section.zero ? { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: QUIET, type: "solid" }, data: [{ xAxis: 0 }] } : undefined },
        ],
      }, ({ dataIndex }) => lines[dataIndex].pick);
    }

    cloud(section, body) {
      const place = make("div", {});
      const select = make("select", { onchange: () => draw() }, ...section.factors.map((factor, at) => make("option", { value: at }, factor.label)));
      const draw = () => {
        const factor = section.factors[Number(select.value)];
        this.empty(place);
        this.chart(place, 340, `${section.axis}, ${factor.label}`, {
          grid: { left: 8, right: 16, top: 14, bottom: 30, containLabel: true },
          xAxis: axis({ format: short, axis: factor.levels.length ? { type: "category", data: factor.levels, ...named(factor.label) } : { type: "value", scale: true, ...named(factor.label) } }),
          yAxis: axis({ format: this.format(section), axis: { type: "value", scale: true } }),
          tooltip: { confine: true, renderMode: "richText", formatter: ({ value }) => `${factor.label}: ${short(value[0])}\n${this.format(section)(value[1])}` },
          series: [{ type: "scatter", symbolSize: 9, cursor: "pointer", itemStyle: { color: section.colour, opacity: 0.55 }, data: factor.values.map((value, at) => [value, section.values[at]]) }],
        }, ({ dataIndex }) => section.picks[dataIndex]);
      };
      body.append(make("div", { class: "study-selects" }, make("label", {}, `${section.select} `, select)), place);
      draw();
    }

    histogram(section, body) {
      const { edges, shares, names } = section;
      const middle = edges.slice(1).map((edge, at) => (edge + edges[at]) / 2);
      const told = shares[0].map((share, at) => (share ? `${this.format(section)(middle[at])}: ${percent(share)}` : "")).filter(Boolean).join("; ");
      this.chart(body, 280, `${section.axis}. ${told}`, {
        legend: { top: 0, left: 0, textStyle: { color: INK, fontSize: FONT }, selectedMode: false, icon: "roundRect" },
        grid: { left: 8, right: 16, top: 32, bottom: 28, containLabel: true },
        xAxis: axis({ axis: { type: "value", min: edges[0], max: edges[edges.length - 1], splitLine: { show: false }, axisLabel: { color: INK, fontSize: FONT, formatter: this.format(section), showMinLabel: false, showMaxLabel: false, hideOverlap: true }, ...named(section.axis) } }),
        yAxis: axis({ format: percent, axis: { type: "value" } }),
        tooltip: { show: false },
        series: [
          { type: "custom", name: names[0], itemStyle: { color: BLUE }, silent: true, data: shares[0].map((share, at) => [middle[at], share, edges[at], edges[at + 1]]),
            renderItem: (_, api) => {
              const [left, top] = api.coord([api.value(2), api.value(1)]);
              const [right, bottom] = api.coord([api.value(3), 0]);
              return { type: "rect", shape: { x: left + 1, y: top, width: Math.max(1, right - left - 2), height: bottom - top }, style: { fill: BLUE } };
            } },
          { type: "line", name: names[1], step: "middle", symbol: "none", silent: true, lineStyle: { color: QUIET, width: 1.5 }, itemStyle: { color: QUIET }, data: shares[1].map((share, at) => [middle[at], share]) },
        ],
      });
    }

    lines(section, body) {
      const { labels, mean, band, names } = section;
      const height = band[0].map((low, at) => (low === null ? null : band[1][at] - low));
      const line = (name, data, more) => ({ type: "line", name, data, symbol: "none", silent: true, ...more });
      this.chart(body, 280, `${section.title}. ${labels[0]}: ${this.format(section)(mean[0])}; ${labels[labels.length - 1]}: ${this.format(section)(mean[mean.length - 1])}`, {
        legend: { top: 0, left: 0, textStyle: { color: INK, fontSize: FONT }, selectedMode: false, icon: "roundRect", data: names },
        grid: { left: 8, right: 16, top: 32, bottom: 6, containLabel: true },
        xAxis: axis({ axis: { type: "category", data: labels, boundaryGap: false, splitLine: { show: false } } }),
        yAxis: axis({ format: this.format(section), axis: { type: "value", scale: !section.percent } }),
        tooltip: { show: false },
        series: [
          line("low", band[0], { stack: "band", lineStyle: { opacity: 0 }, itemStyle: { color: BLUE } }),
          line(names[1], height, { stack: "band", lineStyle: { opacity: 0 }, areaStyle: { color: BLUE, opacity: 0.18 }, itemStyle: { color: "#C8DFED" } }),
          ...section.runs.map((run) => line(names[2], run, { lineStyle: { color: GREY, width: 0.8, opacity: 0.7 }, itemStyle: { color: GREY } })),
          line(names[0], mean, { lineStyle: { color: BLUE, width: 3 }, itemStyle: { color: BLUE }, z: 5 }),
        ],
      });
    }

    // -- the runs -----------------------------------------------------------------------------------------------------

    runs({ runs, page, last, pages, title }) {
      const { words } = this;
      const base = (window.solara && window.solara.rootPath) || "";
      const columns = runs.head.length + 2;
      const rows = runs.rows.flatMap((row, number) => {
        const command = make("tr", { hidden: true }, make("td", { colspan: String(columns), class: "study-command" }, make("code", {}, runs.commands[number])));
        const button = make("button", { type: "button", "aria-expanded": "false", "aria-label": `${words.command}: ${runs.head[0]} ${row[0]}` }, words.command);
        button.addEventListener("click", () => {
          command.hidden = !command.hidden;
          button.setAttribute("aria-expanded", String(!command.hidden));
        });
        const link = runs.links[number] === null ? words.no_link
          : make("a", { href: `${base}/?${runs.links[number]}`, target: "_blank", rel: "noopener", "aria-label": `${words.open_live}: ${runs.head[0]} ${row[0]}` }, words.open_live);
        const cells = row.map((text, at) => make(at ? "td" : "th", at ? {} : { scope: "row" }, text));
        cells.splice(runs.lead, 0, make("td", {}, link), make("td", {}, button));
        return [make("tr", {}, ...cells), command];
      });
      const head = [...runs.head.slice(0, runs.lead), words.live_link, words.command, ...runs.head.slice(runs.lead)]
        .map((text) => make("th", { scope: "col" }, ...text.split(/(?<=[._])/).flatMap((piece) => [piece, make("wbr")])));
      const turn = (text, to, off) => make("button", { type: "button", disabled: off, onclick: () => this.on.turn(to) }, text);
      const pager = last === 0 ? null : make("div", { class: "study-pager" },
        turn(words.earlier, page - 1, page === 0), make("span", { role: "status" }, pages), turn(words.later, page + 1, page === last));
      return make("div", {}, make("div", { class: "study-scroll study-runs", tabindex: "0", role: "region", "aria-label": title },
        make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows))), pager);
    }

    clear() {
      for (const { chart } of this.charts) chart.dispose();
      this.charts = [];
    }

    destroy() {
      this.sized.disconnect();
      this.clear();
    }
  }

  window.ecosimStudy = {
    mount(element, shown, options) {
      const study = new Study(element, shown, options);
      // Texts come with the numbers, anew in another language; no organisation is chosen here.
      return { update: (next) => study.update(next), setLanguage() {}, story() {}, destroy: () => study.destroy() };
    },
  };
})();
