/**
 * Plays a run of an innovation ecosystem: the whole run is given at once and is scrubbed through here.
 *
 *     ecosimPlayer.mount(element, trajectory, {language, texts, on, panels, position, echarts})
 *         -> {update, setLanguage, seek, play, pause, select, story, statistics, destroy}
 *
 * `update(trajectory, texts)` shows another run, or the same one with another ghost or band. `trajectory` is what
 * dashboards/parts/trajectory.py makes of a model, `texts` is {key: {en, zh}}, `on` has the callbacks branch(step),
 * select(uid) and position(step), the last when the cursor comes to rest.
 * Names come from users: every text enters the page as a text node, never as HTML.
 */
(() => {
  "use strict";

  const PANELS = ["shares", "table", "flows", "network", "events", "ladder", "symbiosis", "environment"];
  const SPEEDS = [1, 2, 4, 8, 16, 32];
  const FRAME_BUDGET = 24; // milliseconds of drawing a frame; what does not fit waits for the next one
  const LATEST = 300; // milliseconds after which a panel is drawn on a slow machine too, if the main chart moved on without it
  const LISTED_EVENTS = 40;
  const ROUTINE = new Set([
    "tie formed", "tie upgraded", "tie downgraded", "tie broken", "project finished", "project failed",
    "interface changed", "platform joined", "platform left", "ecologies merged", "reform started",
    "reform abandoned", "entry", "exit",
  ]);
  const SYMBOLS = ["circle", "rect", "triangle", "diamond", "roundRect", "pin", "arrow"];
  const DASHES = ["solid", "dashed", "dotted", [8, 3, 2, 3]];
  const TIE_DASHES = { separation: "dotted", sharing: "dashed", overlap: "solid" };
  const TRUST_WIDTHS = [0.6, 1.5, 3]; // of trust up to a third, two thirds, one
  const SIGNS = { mutualism: "+ +", commensalism: "+ 0", parasitism: "+ −", competition: "− −", independence: "0 0" };
  const STAGE_COLOURS = { incubation: "#F2F2F2", growth: "#D9D9D9", maturity: "#BFBFBF" };
  const OKABE_ITO = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#56B4E9", "#999999", "#000000"];
  const PATTERNS = ["plain", "diagonal", "dots", "horizontal", "cross", "reverse", "vertical", "grid", "dense"];
  const INK = "#1A1A1A";
  const QUIET = "#595959";
  const FONT = 14;

  // -- building blocks --------------------------------------------------------------------------------------------

  /** Make an element; strings among the children become text nodes. */
  function make(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "style") Object.assign(made.style, value);
      else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children);
    return made;
  }

  function drawing(tag, attributes) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  function icon(path) {
    const svg = drawing("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" });
    svg.append(drawing("path", { d: path }));
    return svg;
  }

  const ICONS = {
    start: "M6 5h3v14H6zM19 5v14l-9-7z",
    back: "M15 5v14l-9-7zM16 5h2v14h-2z",
    play: "M7 4v16l13-8z",
    pause: "M6 4h4v16H6zM14 4h4v16h-4z",
    step: "M9 5v14l9-7zM6 5h2v14H6z",
  };

  /** A short line for a legend, dashed as ECharts dashes it. */
  function lineMark(type, colour, width = 3) {
    const dash = { dashed: [4 * width, 2 * width], dotted: [width, width] }[type] ?? (Array.isArray(type) ? type : []);
    const svg = drawing("svg", { class: "line", viewBox: "0 0 32 8", "aria-hidden": "true" });
    svg.append(drawing("line", { x1: 0, x2: 32, y1: 4, y2: 4, stroke: colour, "stroke-width": width, "stroke-dasharray": dash.join(" ") }));
    return svg;
  }

  /** Colours of users' files reach style attributes only if they are colours. */
  function colourOf(thing, position) {
    return /^#[0-9a-f]{3,8}$/i.test(thing?.colour ?? "") ? thing.colour : OKABE_ITO[position % OKABE_ITO.length];
  }

  function isDark(colour) {
    const [red, green, blue] = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
    return 0.299 * red + 0.587 * green + 0.114 * blue < 140;
  }

  const onTop = (colour) => (isDark(colour) ? "rgba(255,255,255,0.5)" : "rgba(0,0,0,0.32)");

  function decal(pattern, colour) {
    const lines = (rotation, gap = 7) => ({ symbol: "rect", dashArrayX: [1, 0], dashArrayY: [1.5, gap], rotation });
    const shapes = {
      diagonal: lines(-Math.PI / 4),
      reverse: lines(Math.PI / 4),
      horizontal: lines(0),
      vertical: lines(Math.PI / 2),
      dense: lines(-Math.PI / 4, 3),
      dots: { symbol: "circle", symbolSize: 0.7, dashArrayX: [[4, 8], [0, 6, 4, 2]], dashArrayY: [4, 3] },
      cross: { symbol: "triangle", symbolSize: 0.8, dashArrayX: [[6, 10], [0, 8, 6, 2]], dashArrayY: [6, 4] },
      grid: { symbol: "rect", symbolSize: 1, dashArrayX: [[4, 8], [0, 6, 4, 2]], dashArrayY: [4, 3] },
    };
    return shapes[pattern] ? { ...shapes[pattern], color: onTop(colour) } : null;
  }

  function swatch(colour, pattern) {
    const over = onTop(colour);
    const stripes = (angle, gap = 5) => `repeating-linear-gradient(${angle}deg, ${over} 0 1.5px, transparent 1.5px ${gap}px)`;
    const dots = (size) => `radial-gradient(${over} ${size}px, transparent ${size + 0.5}px) 0 0 / 5px 5px`;
    const image = {
      diagonal: stripes(45), reverse: stripes(135), horizontal: stripes(0), vertical: stripes(90), dense: stripes(45, 3),
      dots: dots(1.2), cross: dots(1.7), grid: `${stripes(0)}, ${stripes(90)}`,
    }[pattern];
    return make("i", { class: "swatch", "aria-hidden": "true", style: { background: image ? `${image}, ${colour}` : colour } });
  }

  /** The nth entry of a list, if it is given by number, or else the name itself. */
  const named = (list, entry) => (typeof entry === "number" ? list[entry] : entry);

  /** First position in a list sorted by `step` that lies after a step. */
  function firstAfter(events, step) {
    let low = 0;
    let high = events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (events[middle].step <= step) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Places of nodes in a unit square. */
  function placed(nodes) {
    const along = (axis) => {
      const values = nodes.map((node) => node[axis]);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      return values.map((value) => (high > low ? (value - low) / (high - low) : 0.5));
    };
    const [across, up] = [along("x"), along("y")];
    return nodes.map((_, position) => [across[position], up[position]]);
  }

  const axisText = { color: INK, fontSize: FONT };

  // -- the player -------------------------------------------------------------------------------------------------

  class Player {
    constructor(host, trajectory, options) {
      this.host = host;
      this.echarts = options.echarts ?? window.echarts;
      this.texts = options.texts ?? {};
      this.language = options.language ?? "en";
      this.on = options.on ?? {};
      this.calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.speed = this.calm ? 2 : 4;
      this.playing = false;
      this.focused = 0;
      this.selected = null;
      this.amounts = false;
      this.patterns = true;
      this.hidden = false;
      this.frame = 0;
      this.turn = 0;
      this.labelled = [];
      this.formats = new Map();
      this.trajectory = trajectory;
      this.step = this.within(options.position ?? trajectory.labels.length - 1);
      this.position = this.step;
      this.root = make("div", { class: "ecosim-player", lang: this.language });
      this.controls = new Controls(this);
      this.grid = make("div", { class: "panels" });
      this.root.append(this.controls.element, this.grid);
      host.replaceChildren(this.root);
      this.panels = (options.panels ?? PANELS).filter((name) => KINDS[name]).map((name) => new KINDS[name](this, name));
      this.grid.append(...this.panels.map((panel) => panel.element));
      this.root.addEventListener("keydown", (event) => this.pressed(event));
      this.watch();
      this.relabel();
      this.redraw();
    }

    /** Draw what is on the screen only, and anew when its room changes. */
    watch() {
      this.seen = new IntersectionObserver((entries) => {
        for (const entry of entries) {
          const panel = this.panels.find((candidate) => candidate.element === entry.target);
          panel.visible = entry.isIntersecting;
        }
        this.ask();
      }, { rootMargin: "80px" });
      this.sized = new ResizeObserver(() => {
        for (const panel of this.panels) panel.resized = true;
        this.ask();
      });
      for (const panel of this.panels) {
        this.seen.observe(panel.element);
        this.sized.observe(panel.element);
      }
      // Paper has a width of its own, and no frames in which to draw: all is drawn before.
      this.printing = (event) => {
        this.pause();
        this.root.classList.toggle("printing", event.type === "beforeprint");
        for (const panel of this.panels) panel.resized = true;
        for (const panel of this.panels) panel.catchUp();
      };
      window.addEventListener("beforeprint", this.printing);
      window.addEventListener("afterprint", this.printing);
    }

    // -- words

    text(key, values = {}) {
      const entry = this.texts[key];
      const template = entry?.[this.language] ?? entry?.en ?? key;
      return template.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
    }

    word(word) {
      const entry = this.texts[`word.${String(word).replace(/[ -]/g, "_")}`];
      return entry?.[this.language] ?? entry?.en ?? String(word).replace(/_/g, " ");
    }

    /** An organisation's name, or a component's; of "firm 3", which the engine gave, the role is translated. */
    called(name) {
      const known = this.texts[`name.${name}`];
      if (known) return known[this.language] ?? name;
      const parts = /^(.+) (\d+)$/.exec(name ?? "");
      return parts && this.texts[`word.${parts[1].replace(/[ -]/g, "_")}`] ? `${this.word(parts[1])} ${parts[2]}` : name ?? "";
    }

    number(value, digits = 3) {
      if (!Number.isFinite(value)) return "–";
      if (Math.abs(value) < 1e-4) return "0";
      return this.format({ maximumSignificantDigits: digits }, value);
    }

    whole(value) {
      return this.format({ maximumFractionDigits: 0 }, value);
    }

    percent(share, digits = 1) {
      return this.format({ style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }, share);
    }

    /** Write a number as the language does; formats are kept, since making one takes longer than using it. */
    format(form, value) {
      const key = `${this.language} ${Object.values(form)}`;
      if (!this.formats.has(key)) this.formats.set(key, new Intl.NumberFormat(this.language, form));
      return this.formats.get(key).format(value);
    }

    /** Keep a text of the page in the present language: as content, or as an attribute. */
    label(element, key, attribute = null, values = {}) {
      this.labelled.push({ element, key, attribute, values });
      return element;
    }

    relabel() {
      this.root.lang = this.language;
      for (const { element, key, attribute, values } of this.labelled) {
        if (attribute) element.setAttribute(attribute, this.text(key, values));
        else element.textContent = this.text(key, values);
      }
    }

    // -- numbers

    get last() {
      return this.trajectory.labels.length - 1;
    }

    get stage() {
      return this.stageAt(this.step);
    }

    stageAt(step) {
      return named(this.trajectory.stages, this.trajectory.stage[step]);
    }

    within(step) {
      return Math.max(0, Math.min(Math.round(Number(step) || 0), this.trajectory.labels.length - 1));
    }

    shares(values) {
      const total = values.reduce((sum, value) => sum + value, 0);
      return values.map((value) => (total > 0 ? value / total : 0));
    }

    colour(role) {
      const position = this.trajectory.roles.findIndex((candidate) => candidate.name === role);
      return colourOf(this.trajectory.roles[position], Math.max(0, position));
    }

    pattern(position) {
      if (!this.patterns) return "plain";
      return this.trajectory.beneficiaries[position]?.pattern ?? PATTERNS[position % PATTERNS.length];
    }

    // -- time

    seek(step, rest = true) {
      this.step = this.within(step);
      this.position = this.step;
      this.changed();
      if (rest) this.rest();
    }

    play() {
      if (this.playing || this.last === 0) return;
      if (this.step >= this.last) this.seek(0, false);
      this.playing = true;
      this.position = this.step;
      this.clock = performance.now();
      this.controls.show();
      this.ask();
    }

    pause() {
      if (!this.playing) return;
      this.playing = false;
      this.rest();
    }

    /** The cursor stands still: tell whoever listens, and those who hear the page. */
    rest() {
      this.controls.show();
      this.controls.tell();
      // What changes too fast to be read or heard while it plays is brought up to date now.
      for (const panel of this.panels) {
        panel.described = false;
        panel.stale = true;
      }
      this.ask();
      this.on.position?.(this.step);
    }

    advance(now) {
      this.position += (Math.max(0, now - this.clock) / 1000) * this.speed; // a frame's time may lie before the click
      this.clock = now;
      const step = Math.min(Math.floor(this.position), this.last);
      if (step !== this.step) {
        this.step = step;
        this.changed();
      }
      if (step >= this.last) this.pause();
    }

    changed() {
      for (const panel of this.panels) panel.stale = true;
      this.controls.show();
      this.ask();
    }

    ask() {
      if (!this.frame && !this.gone) this.frame = requestAnimationFrame((now) => this.draw(now));
    }

    draw(now) {
      this.frame = 0;
      if (this.playing) this.advance(now);
      if (this.work(now) || this.playing || this.prepare()) this.ask();
    }

    /** Draw a panel off the screen that was never drawn, so that it is there when somebody scrolls; return whether there was one. */
    prepare() {
      const waiting = this.panels.find((panel) => panel.undrawn && !panel.visible && panel.element.clientWidth);
      waiting?.catchUp();
      return waiting !== undefined;
    }

    /** Bring panels up to date: the first always, the others in turn while there is time or one is late; return whether any is left. */
    work(start) {
      const waiting = (panel) => panel.visible && panel.behind;
      const [main, ...others] = this.panels;
      let drawn = 0;
      if (waiting(main)) {
        main.catchUp();
        drawn++;
      }
      for (let tried = 0; tried < others.length; tried++) {
        const panel = others[this.turn % others.length];
        if (waiting(panel)) {
          const now = performance.now();
          const most = now - panel.caughtUp < LATEST ? 1 : 2;
          if (now - start > FRAME_BUDGET && drawn >= most) return true;
          panel.catchUp();
          drawn++;
        }
        this.turn = (this.turn + 1) % others.length;
      }
      return this.panels.some(waiting);
    }

    redraw(name = null) {
      for (const panel of this.panels) if (name === null || panel.name === name) panel.undrawn = true;
      this.changed();
    }

    // -- what others ask for

    /** Show another run, or the same with other overlays: then the cursor stays, else it goes to the branch. */
    update(trajectory, texts = this.texts) {
      this.texts = texts;
      const atEnd = this.step === this.last;
      const same = trajectory.value === this.trajectory.value;
      const other = JSON.stringify(trajectory.beneficiaries) !== JSON.stringify(this.trajectory.beneficiaries);
      this.trajectory = trajectory;
      if (other) this.focused = 0;
      if (!trajectory.network?.nodes.some((node) => node.uid === this.selected)) this.selected = null;
      if (!same) this.told = null;
      this.playing = false;
      const branched = !same && trajectory.ghost;
      this.step = this.within(branched ? trajectory.ghost.from : atEnd ? this.last : this.step);
      this.position = this.step;
      this.controls.renew();
      this.redraw();
      this.controls.tell();
    }

    setLanguage(language) {
      this.language = language;
      this.relabel();
      this.controls.renew();
      this.controls.tell();
      this.redraw();
    }

    focus(position) {
      this.focused = position;
      this.redraw("shares");
      this.redraw("table");
    }

    select(uid) {
      const chosen = uid === this.selected ? null : uid;
      this.selected = chosen;
      this.redraw("network");
      if (chosen !== null) this.on.select?.(chosen);
    }

    /** Show what the server tells of the selected organisation. */
    story(story) {
      this.told = story;
      this.redraw("network");
    }

    pressed(event) {
      if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, button, summary, a, textarea")) return;
      const action = {
        " ": () => (this.playing ? this.pause() : this.play()),
        ArrowLeft: () => this.seek(this.step - 1),
        ArrowRight: () => this.seek(this.step + 1),
        Home: () => this.seek(0),
        End: () => this.seek(this.last),
      }[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    }

    /** How often each panel was brought up to date, how long that took, and whether it still is to be. */
    statistics() {
      return Object.fromEntries(this.panels.map((panel) => [panel.name, { updates: panel.updates, milliseconds: panel.milliseconds, behind: panel.undrawn || (panel.visible && panel.behind) }]));
    }

    destroy() {
      this.gone = true;
      this.playing = false;
      cancelAnimationFrame(this.frame);
      this.seen.disconnect();
      this.sized.disconnect();
      window.removeEventListener("beforeprint", this.printing);
      window.removeEventListener("afterprint", this.printing);
      for (const panel of this.panels) panel.destroy();
      this.root.remove();
    }
  }

  // -- the controls -----------------------------------------------------------------------------------------------

  class Controls {
    constructor(player) {
      this.player = player;
      const button = (name, action) => {
        const made = make("button", { type: "button", class: `control ${name}`, onclick: action }, icon(ICONS[name]));
        player.label(made, `player.control.${name}`, "aria-label");
        return player.label(made, `player.control.${name}`, "title");
      };
      const move = (step) => {
        player.pause();
        player.seek(step);
      };
      this.toggle = make("button", { type: "button", class: "control play", onclick: () => (player.playing ? player.pause() : player.play()) });
      this.slider = make("input", {
        type: "range", class: "time", min: 0, step: 1,
        oninput: () => {
          if (player.playing) player.pause();
          player.seek(Number(this.slider.value), false);
        },
        onchange: () => player.rest(),
      });
      player.label(this.slider, "player.time", "aria-label");
      this.speed = make("select", { onchange: () => { player.speed = Number(this.speed.value); } });
      player.label(this.speed, "player.speed", "aria-label");
      this.now = make("output", { class: "now" });
      this.spoken = make("div", { class: "hidden", "aria-live": "polite" });
      this.branch = make("button", { type: "button", class: "branch", onclick: () => { player.pause(); player.on.branch(player.step); } });
      player.label(this.branch, "player.branch");
      player.label(this.branch, "player.branch_about", "title");
      const speed = make("label", { class: "speed" }, player.label(make("span"), "player.speed"), " ", this.speed);
      this.element = make("div", { class: "controls", role: "group" },
        make("div", { class: "buttons" },
          button("start", () => move(0)), button("back", () => move(player.step - 1)), this.toggle,
          button("step", () => move(player.step + 1))),
        make("div", { class: "where" }, this.now, this.slider), speed, this.spoken);
      if (player.on.branch) this.element.insertBefore(this.branch, this.spoken);
      player.label(this.element, "player.controls", "aria-label");
      this.renew();
    }

    /** Take over another run or another language. */
    renew() {
      const { player } = this;
      this.slider.max = player.last;
      this.speed.replaceChildren(...SPEEDS.map((speed) =>
        make("option", { value: speed, selected: speed === player.speed }, player.text("player.speed_value", { speed }))));
      this.shown = null;
      this.show();
    }

    show() {
      const { player } = this;
      this.slider.value = player.step;
      this.now.textContent = `${player.trajectory.labels[player.step]} · ${player.word(player.stage)}`;
      const state = `${player.playing}${player.language}`;
      if (state === this.shown) return;
      this.shown = state;
      const action = player.playing ? "pause" : "play";
      this.toggle.replaceChildren(icon(ICONS[action]));
      for (const name of ["aria-label", "title"]) this.toggle.setAttribute(name, player.text(`player.control.${action}`));
    }

    /** Say where the cursor stands, which must not be said at each frame. */
    tell() {
      this.slider.setAttribute("aria-valuetext", this.now.textContent);
      if (document.activeElement !== this.slider) this.spoken.textContent = this.now.textContent;
    }
  }

  // -- panels -----------------------------------------------------------------------------------------------------

  /** A part of the page: `build` once, `drawAll` when run or language change, `drawStep` when the cursor moves. */
  class Panel {
    constructor(player, name) {
      Object.assign(this, { player, name, visible: false, stale: true, undrawn: true, resized: false, caughtUp: 0, updates: 0, milliseconds: 0 });
      this.heading = player.label(make("h3", { id: `${name}-${Math.random().toString(36).slice(2)}` }), `player.panel.${name}`);
      this.tools = make("div", { class: "tools" });
      this.body = make("div", { class: "body" });
      const about = make("details", { class: "about" }, player.label(make("summary", {}, "?"), "player.explain", "aria-label"),
        player.label(make("p"), `player.about.${name}`));
      about.firstChild.textContent = "?";
      this.element = make("section", { class: `panel ${name}`, "aria-labelledby": this.heading.id },
        make("header", {}, this.heading, this.tools, about), this.body);
      this.charts = [];
      this.build();
    }

    get behind() {
      return this.stale || this.undrawn || this.resized;
    }

    catchUp() {
      const start = performance.now();
      if (this.resized) this.fit();
      if (this.undrawn) this.drawAll();
      this.drawStep(this.player.step);
      for (const chart of this.charts) chart.getZr().flush();
      if (this.stale) this.updates += 1;
      this.stale = this.undrawn = this.resized = false;
      this.caughtUp = performance.now();
      this.milliseconds += this.caughtUp - start;
    }

    fit() {
      for (const chart of this.charts) chart.resize();
    }

    build() {}

    drawAll() {}

    drawStep() {}

    get base() {
      return { animation: false, textStyle: { fontFamily: getComputedStyle(this.player.root).fontFamily, fontSize: FONT, color: INK } };
    }

    chart(box) {
      const made = this.player.echarts.init(box, null, { renderer: "canvas" });
      made.setOption(this.base);
      this.charts.push(made);
      return made;
    }

    /** Where a chart goes: a picture with a name, which tells its numbers once it is drawn. */
    picture(kind) {
      return this.player.label(make("div", { class: kind, role: "img" }), `player.panel.${this.name}`, "aria-label");
    }

    /** Put into words what a picture shows in a quarter. */
    describe(step, said) {
      const { player } = this;
      this.plot.setAttribute("aria-label", `${player.text(`player.panel.${this.name}`)}, ${player.trajectory.labels[step]}: ${said}`);
    }

    /** What the legend says, item by item. */
    get legendText() {
      return [...this.legend.children].map((item) => item.textContent.trim()).join(", ");
    }

    select(key, choices, chosen, action) {
      const { player } = this;
      const made = make("select", { onchange: () => action(made.value) });
      player.label(made, key, "aria-label");
      made.fill = (list, value) => made.replaceChildren(...list.map(([name, shown]) => make("option", { value: name, selected: name === value }, shown)));
      made.fill(choices, chosen);
      return made;
    }

    /** A button that stays pressed. */
    toggle(key, state, action) {
      const made = make("button", { type: "button", class: "toggle", "aria-pressed": String(state), onclick: () => {
        const on = made.getAttribute("aria-pressed") !== "true";
        made.setAttribute("aria-pressed", String(on));
        action(on);
      } });
      return this.player.label(made, key);
    }

    tooltip(content) {
      return {
        confine: true, appendTo: this.body, transitionDuration: 0, backgroundColor: "#FFFFFF", borderColor: "#767676",
        textStyle: { color: INK, fontSize: FONT }, formatter: (what) => content(what) ?? "",
      };
    }

    destroy() {
      for (const chart of this.charts) chart.dispose();
    }
  }

  /** A table of two columns for a tooltip, as an element. */
  function facts(title, rows) {
    return make("div", { class: "facts" }, make("b", {}, title),
      make("table", {}, ...rows.map((cells) => make("tr", {}, ...cells.map((cell) => make("td", {}, cell))))));
  }

  /** A chart over time, on which the cursor lies and is dragged. */
  class Timeline extends Panel {
    timeline(margins) {
      this.margins = margins;
      this.plot = this.picture("plot");
      this.canvas = make("div", { class: "canvas" });
      this.veil = make("div", { class: "veil" });
      this.cursor = make("div", { class: "cursor" }, make("span"));
      this.plot.append(this.canvas, this.veil, this.cursor);
      this.body.append(this.plot);
      this.main = this.chart(this.canvas);
      for (const mark of [this.veil, this.cursor]) {
        mark.style.top = `${margins.top}px`;
        mark.style.bottom = `${margins.bottom}px`;
      }
      this.veil.style.right = `${margins.right}px`;
      this.plot.addEventListener("pointerdown", (event) => this.grab(event));
      this.plot.addEventListener("pointermove", (event) => this.drag(event));
      for (const end of ["pointerup", "pointercancel"]) this.plot.addEventListener(end, () => this.drop());
    }

    get span() {
      return Math.max(1, this.width - this.margins.left - this.margins.right);
    }

    stepAt(x) {
      return this.player.within(((x - this.margins.left) / this.span) * this.player.last);
    }

    grab(event) {
      const box = this.plot.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      const inside = x > this.margins.left - 12 && x < box.width - this.margins.right + 12 && y < box.height - this.margins.bottom;
      if (!inside || event.button) return;
      this.plot.setPointerCapture(event.pointerId);
      this.dragged = true;
      this.player.pause();
      this.main.dispatchAction({ type: "hideTip" });
      this.player.seek(this.stepAt(x), false);
    }

    drag(event) {
      if (!this.dragged) return;
      this.player.seek(this.stepAt(event.clientX - this.plot.getBoundingClientRect().left), false);
    }

    drop() {
      if (!this.dragged) return;
      this.dragged = false;
      this.player.rest();
    }

    fit() {
      super.fit();
      this.width = this.plot.clientWidth;
    }

    drawStep(step) {
      this.width ??= this.plot.clientWidth;
      const x = this.margins.left + (this.player.last ? (step / this.player.last) * this.span : 0);
      this.cursor.style.transform = `translateX(${x}px)`;
      this.veil.style.left = `${x}px`;
    }

    /** Values over the quarters; a run of one quarter is drawn as a line, too. */
    drawn(values) {
      return values.length === 1 ? [values[0], values[0]] : values;
    }

    get axis() {
      const { labels } = this.player.trajectory;
      const years = Math.max(1, Math.ceil(labels.length / 4 / Math.max(2, Math.floor((this.width || 600) / 75))));
      const every = [1, 2, 5, 10, 20, 50, 100].find((candidate) => candidate >= years) ?? 200;
      const year = (label) => Number.parseInt(label, 10);
      const shown = (index) => {
        const label = labels[index];
        if (labels.length < 8) return true;
        return label !== undefined && label.endsWith("Q1") && year(label) % every === 0;
      };
      return {
        type: "category", boundaryGap: false, data: this.drawn(labels), axisTick: { interval: shown },
        axisLabel: { ...axisText, interval: shown, formatter: (label) => (labels.length < 8 ? label : label.split(" ")[0]) },
        axisLine: { lineStyle: { color: QUIET } },
      };
    }
  }

  class Shares extends Timeline {
    build() {
      const { player } = this;
      const toggle = (key, state, action) => this.toggle(key, state, (on) => {
        action(on);
        player.redraw("shares");
        player.redraw("table");
      });
      this.tools.append(
        toggle("player.amounts", false, (on) => { player.amounts = on; }),
        toggle("player.patterns", true, (on) => { player.patterns = on; }),
        toggle("player.hide", false, (on) => {
          player.hidden = on;
          player.root.classList.toggle("hiding", on);
        }));
      this.stages = make("div", { class: "stages" });
      this.curtain = make("div", { class: "curtain" });
      this.body.append(make("div", { class: "strip" }, this.stages, this.curtain));
      this.timeline({ left: 64, right: 20, top: 8, bottom: 30 });
      this.note = make("p", { class: "note" });
      this.body.append(this.note);
    }

    drawAll() {
      const { player } = this;
      this.width = this.plot.clientWidth;
      this.order = player.trajectory.beneficiaries.map((_, position) => position);
      this.order.unshift(...this.order.splice(player.focused, 1));
      this.drawStages();
      this.described = false;
      // All anew: ECharts would keep the order in which it first got the series, and so the order of the stack.
      this.main.setOption({
        ...this.base,
        grid: { ...this.margins, containLabel: false },
        xAxis: this.axis,
        yAxis: {
          type: "value", min: player.amounts ? null : 0, max: player.amounts ? null : 1,
          axisLabel: { ...axisText, formatter: (value) => (player.amounts ? player.number(value) : player.percent(value, 0)) },
          splitLine: { lineStyle: { color: "#DDDDDD" } },
        },
        tooltip: { ...this.tooltip((points) => this.hovered(points[0].dataIndex)), trigger: "axis", axisPointer: { type: "line", lineStyle: { color: INK } } },
        series: [...this.order.map((position, place) => this.area(position, place)), ...this.ghost(), ...this.band()],
      }, { notMerge: true });
      this.drawNote();
    }

    values(position, rows = this.player.trajectory.value) {
      const { player } = this;
      return rows.map((row) => (row ? (player.amounts ? row[position] : player.shares(row)[position]) : null));
    }

    area(position, place) {
      const { player } = this;
      const beneficiary = player.trajectory.beneficiaries[position];
      const colour = colourOf(beneficiary, position);
      const changes = player.trajectory.stage.flatMap((stage, step, all) => (step && stage !== all[step - 1] ? [{ xAxis: step }] : []));
      return {
        id: `area ${position}`, name: beneficiary.name, type: "line", stack: "value", stackStrategy: "all", symbol: "none", silent: true,
        lineStyle: { width: 1, color: "#FFFFFF" }, itemStyle: { color: colour, decal: decal(player.pattern(position), colour) },
        areaStyle: { color: colour, opacity: 1 }, emphasis: { disabled: true }, data: this.drawn(this.values(position)), z: 2,
        markLine: place ? undefined : {
          silent: true, symbol: "none", label: { show: false }, lineStyle: { color: INK, type: [4, 3], width: 1.5 }, data: changes, z: 6,
        },
      };
    }

    /** The future before the branch: the share of the beneficiary that lies at the bottom. */
    ghost() {
      const { ghost } = this.player.trajectory;
      if (!ghost) return [];
      const data = this.values(this.player.focused, ghost.value).map((value, step) => (step < ghost.from ? null : value));
      const line = (id, style, z) => ({ id, type: "line", symbol: "none", silent: true, emphasis: { disabled: true }, lineStyle: style, data, z });
      return [
        line("ghost casing", { color: "#FFFFFF", width: 6 }, 7),
        line("ghost", { color: "#000000", width: 3, type: [8, 5] }, 8),
      ];
    }

    band() {
      const limits = this.limits();
      if (!limits) return [];
      const line = (id, data, z, lineStyle, areaStyle) => ({
        id, type: "line", symbol: "none", silent: true, emphasis: { disabled: true }, lineStyle, areaStyle, data: this.drawn(data), z,
      });
      const stacked = { stack: "band", stackStrategy: "all" };
      const edges = (name, values) => [
        line(`band ${name} casing`, values, 4, { color: "#FFFFFF", width: 4 }), line(`band ${name}`, values, 5, { color: "#000000", width: 2, type: "dotted" }),
      ];
      return [
        { ...line("band from", limits.low, 3, { width: 0 }, { opacity: 0 }), ...stacked },
        { ...line("band to", limits.high.map((high, step) => high - limits.low[step]), 3, { width: 0 }, { color: "#FFFFFF", opacity: 0.5 }), ...stacked },
        ...edges("low", limits.low), ...edges("high", limits.high),
      ];
    }

    /** Lowest and highest values of the focused beneficiary over the seeds, in what is shown. */
    limits() {
      const { band } = this.player.trajectory;
      const [low, high] = this.player.amounts ? [band?.low, band?.high] : [band?.share_low, band?.share_high];
      if (!low || !high) return null;
      const pick = (rows) => rows.map((row) => row[this.player.focused]);
      return { low: pick(low), high: pick(high) };
    }

    drawStages() {
      const { trajectory } = this.player;
      const runs = [];
      trajectory.stage.forEach((stage, step) => {
        if (runs.at(-1)?.stage !== stage) runs.push({ stage, step });
      });
      Object.assign(this.stages.parentElement.style, { marginLeft: `${this.margins.left}px`, marginRight: `${this.margins.right}px` });
      const part = (step) => `${(100 * step) / Math.max(1, this.player.last)}%`;
      this.stages.replaceChildren(...runs.map(({ stage, step }, place) => {
        const name = named(trajectory.stages, stage);
        const length = (runs[place + 1]?.step ?? Math.max(1, this.player.last)) - step;
        return make("span", { title: this.player.word(name), style: { left: part(step), width: part(length), background: STAGE_COLOURS[name] ?? "#E6E6E6" } }, this.player.word(name));
      }));
    }

    drawNote() {
      const { player } = this;
      const { trajectory } = player;
      const who = player.word(trajectory.beneficiaries[player.focused].name);
      const parts = [];
      if (trajectory.ghost) {
        const label = trajectory.ghost.label || player.text("player.ghost_label");
        parts.push(player.text("player.ghost", { who, label, from: trajectory.labels[trajectory.ghost.from] ?? "" }));
      }
      if (trajectory.band) parts.push(player.text(this.limits() ? "player.band" : "player.band_none", { who, seeds: trajectory.band.seeds }));
      this.note.textContent = parts.join(" ");
      this.note.hidden = !parts.length;
    }

    hovered(index) {
      const { player } = this;
      const { trajectory } = player;
      const step = Math.min(index, player.last);
      const values = trajectory.value[step];
      const shares = player.shares(values);
      const rows = [...this.order].reverse().map((position) => {
        const beneficiary = trajectory.beneficiaries[position];
        return [swatch(colourOf(beneficiary, position), player.pattern(position)), player.word(beneficiary.name), player.percent(shares[position]), player.number(values[position], 4)];
      });
      rows.push(["", player.text("player.total"), "", `${player.number(values.reduce((sum, value) => sum + value, 0), 4)} ${player.word("million CNY")}`]);
      return facts(`${trajectory.labels[step]} · ${player.word(player.stageAt(step))}`, rows);
    }

    drawStep(step) {
      super.drawStep(step);
      this.curtain.style.left = `${(100 * step) / Math.max(1, this.player.last)}%`;
      if (this.described || this.player.playing) return;
      this.described = true;
      const { player } = this;
      const shares = player.shares(player.trajectory.value[step]);
      const told = player.trajectory.beneficiaries.map((one, position) => `${player.word(one.name)} ${player.percent(shares[position])}`);
      this.describe(step, told.join(", "));
    }
  }

  class ShareTable extends Panel {
    build() {
      this.table = make("table", { class: "shares" });
      this.body.append(make("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": this.heading.id }, this.table),
        this.player.label(make("p", { class: "note" }), "player.table_hint"));
    }

    drawAll() {
      const { player } = this;
      const { beneficiaries, shares_by_stage: stages, labels } = player.trajectory;
      const years = (stage) => `${labels[stage.from]?.split(" ")[0] ?? ""}–${labels[stage.to]?.split(" ")[0] ?? ""}`;
      this.quarter = make("th", { scope: "col", class: "present" });
      this.columns = stages.map((stage) => make("th", { scope: "col" }, player.word(stage.stage), make("small", {}, years(stage))));
      this.cells = [];
      this.ofStage = this.columns.map((column) => [column]);
      const rows = beneficiaries.map((beneficiary, position) => {
        const bar = make("span", { class: "bar", style: { background: colourOf(beneficiary, position) } });
        const value = make("span");
        this.cells[position] = { bar, value };
        const choose = make("button", {
          type: "button", "aria-pressed": String(player.focused === position), title: player.text("player.focus", { who: player.word(beneficiary.name) }),
          onclick: () => player.focus(position),
        }, swatch(colourOf(beneficiary, position), player.pattern(position)), player.word(beneficiary.name));
        return make("tr", {}, make("th", { scope: "row" }, choose), make("td", { class: "present" }, bar, value),
          ...stages.map((stage, place) => {
            this.ofStage[place].push(make("td", {}, player.percent(stage.shares[position])));
            return this.ofStage[place].at(-1);
          }));
      }).reverse();
      this.total = make("td", { class: "present" });
      this.table.replaceChildren(
        make("thead", {}, make("tr", {}, make("td"), this.quarter, ...this.columns)), make("tbody", {}, ...rows),
        make("tfoot", {}, make("tr", {}, make("th", { scope: "row" }, player.text("player.created", { unit: player.word("million CNY") })), this.total)));
    }

    drawStep(step) {
      const { player } = this;
      const values = player.trajectory.value[step];
      const shares = player.shares(values);
      this.quarter.textContent = player.trajectory.labels[step];
      this.cells.forEach(({ bar, value }, position) => {
        bar.style.transform = `scaleX(${Math.max(0, shares[position])})`;
        value.textContent = player.amounts ? player.number(values[position]) : player.percent(shares[position]);
      });
      player.trajectory.shares_by_stage.forEach((stage, place) => {
        this.columns[place].classList.toggle("present", stage.stage === player.stage);
        for (const cell of this.ofStage[place]) cell.classList.toggle("unknown", stage.to > step);
      });
      this.total.textContent = player.number(values.reduce((sum, value) => sum + value, 0), 4);
    }
  }

  class Flows extends Panel {
    build() {
      this.resource = null;
      this.channel = "";
      this.elements = this.select("player.flows_element", [], null, (value) => { this.resource = value; this.redo(); });
      this.channels = this.select("player.flows_channel", [], null, (value) => { this.channel = value; this.redo(); });
      this.tools.append(this.elements, this.channels);
      this.ends = make("div", { class: "ends" }, this.player.label(make("span"), "player.flows_from"), this.player.label(make("span"), "player.flows_to"));
      this.plot = this.picture("canvas");
      this.note = make("p", { class: "note" });
      this.body.append(this.ends, this.plot, this.note);
      this.main = this.chart(this.plot);
    }

    redo() {
      this.player.redraw("flows");
    }

    drawAll() {
      const { player } = this;
      const { elements, channels, roles } = player.trajectory;
      if (!elements.includes(this.resource)) this.resource = elements.includes("knowledge") ? "knowledge" : elements[0];
      this.elements.fill(elements.map((name) => [name, player.word(name)]), this.resource);
      this.channels.fill([["", player.text("player.flows_all")], ...channels.map((name) => [name, player.word(name)])], this.channel);
      const node = (side) => (role, position) => {
        const colour = colourOf(role, position);
        return {
          name: `${side} ${role.name}`, depth: side === "from" ? 0 : 1,
          itemStyle: { color: colour, borderColor: colour, decal: decal(PATTERNS[position % PATTERNS.length], colour) },
          label: { position: side === "from" ? "right" : "left", formatter: () => player.word(role.name) },
        };
      };
      this.nodes = [...roles.map(node("from")), ...roles.map(node("to"))];
      this.main.setOption({
        tooltip: this.tooltip((what) => this.hovered(what)),
        series: [{
          id: "flows", type: "sankey", layoutIterations: 0, animation: false, draggable: false, left: 8, right: 8, top: 8, bottom: 8, nodeWidth: 18, nodeGap: 10,
          label: { ...axisText, textBorderColor: "#FFFFFF", textBorderWidth: 3 }, lineStyle: { color: "source", opacity: 0.45, curveness: 0.5 },
          emphasis: { disabled: true }, data: this.nodes, links: [],
        }],
      }, { replaceMerge: ["series"] });
    }

    /** Volumes of the chosen element between roles in a quarter, with what went over each channel. */
    moved(step) {
      const { elements, channels, roles, flows } = this.player.trajectory;
      const names = roles.map((role) => role.name);
      const pairs = new Map();
      for (const [element, channel, source, target, volume] of flows[step] ?? []) {
        const way = named(channels, channel);
        if (named(elements, element) !== this.resource || (this.channel && way !== this.channel) || !(volume > 0)) continue;
        const [from, to] = [named(names, source), named(names, target)];
        const key = `${from}\n${to}`;
        const pair = pairs.get(key) ?? { from, to, volume: 0, ways: {} };
        pair.volume += volume;
        pair.ways[way] = (pair.ways[way] ?? 0) + volume;
        pairs.set(key, pair);
      }
      return [...pairs.values()];
    }

    get unit() {
      return this.player.word(this.player.trajectory.units?.[this.resource] ?? "");
    }

    hovered({ data, name, dataType, value }) {
      const { player } = this;
      if (dataType === "node") return facts(player.word(name.replace(/^(from|to) /, "")), [[`${player.number(value, 4)} ${this.unit}`]]);
      const ways = Object.entries(data.ways).map(([way, volume]) => [player.word(way), player.number(volume, 4)]);
      return facts(`${player.word(data.from)} → ${player.word(data.to)}`, [...ways, [player.text("player.total"), `${player.number(data.value, 4)} ${this.unit}`]]);
    }

    drawStep(step) {
      const { player } = this;
      const links = this.moved(step).map((pair) => ({ source: `from ${pair.from}`, target: `to ${pair.to}`, value: pair.volume, ...pair }));
      this.main.setOption({ series: [{ id: "flows", links }] });
      const total = links.reduce((sum, link) => sum + link.value, 0);
      this.note.textContent = links.length
        ? player.text("player.flows_note", { element: player.word(this.resource), total: player.number(total, 4), unit: this.unit })
        : player.text("player.flows_none", { element: player.word(this.resource) });
      if (!player.playing) this.describe(step, this.note.textContent);
    }
  }

  class Network extends Panel {
    build() {
      const { player } = this;
      this.chosen = this.select("player.network_choose", [], "", (value) => player.select(value === "" ? null : Number(value)));
      this.numbered = false;
      this.tools.append(this.chosen, this.toggle("player.communities", false, (on) => {
        this.numbered = on;
        player.redraw("network");
      }));
      this.plot = this.picture("canvas");
      this.legend = make("ul", { class: "legend" });
      this.note = make("p", { class: "note" });
      this.card = make("div", { class: "card" });
      this.body.append(this.plot, this.legend, this.note, this.card);
      this.main = this.chart(this.plot);
      this.pointer = [0, 0];
      this.main.getZr().on("mousemove", ({ offsetX, offsetY }) => { this.pointer = [offsetX, offsetY]; });
      this.main.on("click", ({ seriesId, dataIndex }) => {
        if (seriesId === "nodes") player.select(player.trajectory.network.nodes[this.shown[dataIndex]].uid);
      });
    }

    drawAll() {
      const { player } = this;
      const axis = { type: "value", show: false, min: -0.04, max: 1.04 };
      this.places = placed(player.trajectory.network.nodes);
      this.drawLegend();
      this.filled = new Set();
      this.drawnNodes = null;
      this.main.setOption({
        grid: { left: 4, right: 4, top: 4, bottom: 4 }, xAxis: axis, yAxis: axis,
        tooltip: { ...this.tooltip((what) => this.hovered(what)), trigger: "item" },
        series: [
          ...this.bundles().map(({ mode, width, id }) => ({
            id, type: "lines", coordinateSystem: "cartesian2d", large: true, largeThreshold: 0, progressive: 0, z: 2, data: this.lines([]),
            lineStyle: { color: "#555555", width, type: TIE_DASHES[mode] ?? "solid", opacity: 0.45 }, emphasis: { disabled: true },
          })),
          { id: "nodes", type: "scatter", z: 3, emphasis: { disabled: true }, data: [] },
        ],
      }, { replaceMerge: ["series"] });
    }

    /** Ties that are drawn alike: of a mode, and of trust in a class; a few bundles are drawn much faster than many lines. */
    bundles() {
      return this.player.trajectory.network.modes.flatMap((mode) =>
        TRUST_WIDTHS.map((width, trust) => ({ mode, width, trust, id: `${mode} ${trust}`, ties: [] })));
    }

    present(node, step) {
      return node.born <= step && (node.gone === null || node.gone === undefined || step < node.gone);
    }

    tiesAt(step) {
      const { network } = this.player.trajectory;
      return (network.ties[step] ?? []).map(([a, b, mode, trust]) => ({ a, b, mode: named(network.modes, mode), trust }));
    }

    drawStep(step) {
      const { player } = this;
      const { network } = player.trajectory;
      const chosen = network.nodes.findIndex((node) => node.uid === player.selected);
      const there = network.nodes.map((node) => this.present(node, step));
      const ties = this.tiesAt(step);
      this.bundled = new Map(this.bundles().map((bundle) => [bundle.id, bundle]));
      for (const tie of ties) {
        const trust = Math.min(TRUST_WIDTHS.length - 1, Math.floor(tie.trust * TRUST_WIDTHS.length));
        if (chosen < 0 || tie.a === chosen || tie.b === chosen) this.bundled.get(`${tie.mode} ${Math.max(0, trust)}`)?.ties.push(tie);
      }
      const opacity = chosen < 0 ? Math.max(0.2, Math.min(0.6, 150 / (ties.length || 1))) : 0.9;
      const series = [...this.bundled.values()].filter(({ id, ties }) => ties.length || this.filled.has(id)).map(({ id, ties }) => ({
        id, lineStyle: { opacity }, data: this.lines(ties),
      }));
      this.filled = new Set([...this.bundled.values()].filter(({ ties }) => ties.length).map(({ id }) => id));
      this.shown = network.nodes.map((_, position) => position).filter((position) => there[position]);
      if (`${this.shown}` !== this.drawnNodes) series.push({ id: "nodes", data: this.nodes(chosen) });
      this.drawnNodes = `${this.shown}`;
      this.main.setOption({ series });
      this.note.textContent = player.text("player.network_note", {
        organisations: player.whole(this.shown.length), ties: player.whole(ties.length), shown: player.whole(network.shown), of: player.whole(network.of),
      });
      if (player.playing) return;
      this.describe(step, this.note.textContent);
      const listed = network.nodes.filter((node, position) => there[position] || node.uid === player.selected);
      this.chosen.fill([["", player.text("player.network_choose")], ...listed.map((node) => [String(node.uid), player.called(node.name)])], String(player.selected ?? ""));
      this.drawCard(step, chosen, ties);
    }

    /** Ties as lines, behind one of no length: ECharts cannot draw a bundle without any, nor point at its first. */
    lines(ties) {
      return [{ coords: [[0, 0], [0, 0]] }, ...ties.map(({ a, b }) => ({ coords: [this.places[a], this.places[b]] }))];
    }

    /** The tie that the pointer is on, of those of a bundle, of which ECharts tells only that one is. */
    nearest(ties) {
      const pixel = (position) => this.main.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, this.places[position]);
      const [x, y] = this.pointer;
      const distance = ({ a, b }) => {
        const [[ax, ay], [bx, by]] = [pixel(a), pixel(b)];
        const length = (bx - ax) ** 2 + (by - ay) ** 2;
        const part = length ? Math.max(0, Math.min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length)) : 0;
        return Math.hypot(ax + part * (bx - ax) - x, ay + part * (by - ay) - y);
      };
      return ties.reduce((best, tie) => (best && distance(best) <= distance(tie) ? best : tie), null);
    }

    nodes(chosen) {
      const { network, roles } = this.player.trajectory;
      return this.shown.map((position) => {
        const node = network.nodes[position];
        const role = Math.max(0, roles.findIndex((candidate) => candidate.name === node.role));
        const selected = position === chosen;
        return {
          value: this.places[position], symbol: SYMBOLS[role % SYMBOLS.length], symbolSize: node.focal ? 22 : selected ? 18 : 11,
          // The colour is the role's everywhere, so a community is a number.
          label: { show: this.numbered, formatter: String(Number(node.community) + 1), position: "right", distance: 2, color: INK,
            fontSize: FONT - 2, textBorderColor: "#FFFFFF", textBorderWidth: 3 },
          itemStyle: { color: colourOf(roles[role], role), borderColor: selected ? "#000000" : "#FFFFFF", borderWidth: selected ? 3 : 1 },
        };
      });
    }

    drawLegend() {
      const { player } = this;
      const { roles, network } = player.trajectory;
      const items = roles.map((role, position) => {
        const mark = make("i", { class: `shape ${SYMBOLS[position % SYMBOLS.length]}`, "aria-hidden": "true", style: { background: colourOf(role, position) } });
        return make("li", {}, mark, player.word(role.name));
      });
      const lines = network.modes.map((mode) =>
        make("li", {}, lineMark(TIE_DASHES[mode], "#555555"), player.word(mode)));
      this.legend.replaceChildren(...items, ...lines);
    }

    hovered({ seriesId, dataIndex }) {
      const { player } = this;
      const { network, labels } = player.trajectory;
      if (seriesId !== "nodes") {
        const tie = this.nearest(this.bundled.get(seriesId)?.ties ?? []);
        if (!tie) return null;
        const [a, b] = [tie.a, tie.b].map((position) => player.called(network.nodes[position].name));
        return facts(`${a} – ${b}`, [[player.text("player.mode"), player.word(tie.mode)], [player.text("player.trust"), player.number(tie.trust)]]);
      }
      const node = network.nodes[this.shown[dataIndex]];
      if (!node) return null;
      return facts(player.called(node.name), [
        [player.text("player.role"), player.word(node.role)],
        [player.text("player.community"), String(Number(node.community) + 1)],
        [player.text("player.entered"), labels[Math.max(0, node.born)] ?? ""],
      ]);
    }

    /** What the run itself tells of the selected organisation, and its story if somebody has told it. */
    drawCard(step, chosen, ties) {
      const { player } = this;
      const { network, labels, stories } = player.trajectory;
      const node = network.nodes[chosen];
      this.card.hidden = !node;
      if (!node) return;
      const partners = ties.filter(({ a, b }) => a === chosen || b === chosen).sort((one, other) => other.trust - one.trust);
      const list = partners.slice(0, 8).map(({ a, b, mode, trust }) =>
        make("li", {}, `${player.called(network.nodes[a === chosen ? b : a].name)}: ${player.word(mode)}, ${player.text("player.trust")} ${player.number(trust, 2)}`));
      const gone = node.gone === null || node.gone === undefined ? "" : `, ${player.text("player.left")} ${labels[node.gone] ?? ""}`;
      const story = player.told?.uid === node.uid ? player.told : stories?.[node.uid];
      this.card.replaceChildren(
        make("h4", {}, player.called(node.name)),
        make("p", {}, `${player.word(node.role)}, ${player.text("player.entered")} ${labels[Math.max(0, node.born)] ?? ""}${gone}.`),
        make("p", {}, player.text("player.partners", { count: partners.length, quarter: labels[step] })), make("ul", {}, ...list),
        ...(story ? this.told(story) : []));
    }

    told(story) {
      const numbers = (values) => Array.isArray(values) && values.some(Number.isFinite) && values.every((value) => value === null || Number.isFinite(value));
      return Object.entries(story).filter(([name, values]) => this.player.texts[`player.story.${name}`] && numbers(values))
        .map(([name, values]) => sparkline(this.player, this.player.text(`player.story.${name}`), values, this.player.word(story.units?.[name] ?? "")));
    }
  }

  /** A small line of numbers over time, with the last one and the quarter of the cursor. */
  function sparkline(player, name, values, unit) {
    const known = values.filter((value) => value !== null);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const across = (step) => (100 * step) / Math.max(1, values.length - 1);
    const points = values.flatMap((value, step) => (value === null ? [] : [`${across(step)},${28 - ((value - low) / (high - low || 1)) * 26}`]));
    const svg = drawing("svg", { viewBox: "0 0 100 30", preserveAspectRatio: "none", role: "img", "aria-label": `${name}: ${player.number(low)} – ${player.number(high)} ${unit}` });
    svg.append(drawing("polyline", { points: points.join(" ") }), drawing("line", { x1: across(player.step), x2: across(player.step), y1: 0, y2: 30 }));
    return make("figure", { class: "spark" }, make("figcaption", {}, `${name}: ${player.number(values[player.step] ?? known.at(-1))} ${unit}`), svg);
  }

  class Events extends Panel {
    build() {
      const { player } = this;
      this.all = false;
      const box = make("input", { type: "checkbox", onchange: () => { this.all = box.checked; player.redraw("events"); } });
      this.tools.append(make("label", { class: "check" }, box, " ", player.label(make("span"), "player.events_all")));
      this.list = make("ol", { class: "log", tabindex: "0", "aria-labelledby": this.heading.id });
      this.body.append(this.list);
    }

    drawAll() {
      const { trajectory } = this.player;
      this.uids = new Set(trajectory.network?.nodes.map((node) => node.uid));
      this.events = this.all ? trajectory.events : trajectory.events.filter((event) => !ROUTINE.has(event.code));
    }

    drawStep(step) {
      const { player } = this;
      const end = firstAfter(this.events, step);
      const items = [];
      let quarter = -1;
      for (const event of this.events.slice(Math.max(0, end - LISTED_EVENTS), end).reverse()) {
        if (event.step !== quarter) {
          quarter = event.step;
          const to = quarter;
          items.push(make("li", { class: quarter === step ? "quarter present" : "quarter" },
            make("button", { type: "button", onclick: () => { player.pause(); player.seek(to); } }, player.trajectory.labels[quarter])));
        }
        items.push(make("li", { class: event.step === step ? "present" : "" }, ...this.sentence(event)));
      }
      this.list.replaceChildren(...(items.length ? items : [make("li", {}, player.text("player.events_none"))]));
      this.list.scrollTop = 0;
    }

    sentence(event) {
      const { player } = this;
      const key = `player.event.${event.code.replace(/[ -]/g, "_")}`;
      const template = player.texts[key] ? player.text(key) : player.text("player.event.other", { code: player.word(event.code) });
      return template.split(/(\{\w+\})/).filter(Boolean).map((part) => {
        if (part === "{subject}") return this.who(event.subject, event.subject_name);
        if (part === "{object}") return this.who(event.object, event.object_name);
        if (part === "{detail}") return this.detail(event.detail);
        return part;
      });
    }

    detail(detail) {
      const value = detail === "" || detail === null ? NaN : Number(detail);
      const { player } = this;
      if (Number.isFinite(value)) return player.number(value);
      return player.texts[`name.${detail}`] ? player.called(detail) : player.word(detail ?? "");
    }

    who(uid, name) {
      const { player } = this;
      if (!this.uids.has(uid)) return player.called(name);
      return make("button", { type: "button", class: "name", onclick: () => player.select(uid) }, player.called(name));
    }
  }

  class Ladder extends Timeline {
    build() {
      this.list = make("div", { class: "tiers" });
      this.body.append(this.list);
      this.timeline({ left: 44, right: 16, top: 8, bottom: 28 });
      this.legend = make("ul", { class: "legend" });
      this.body.append(this.legend);
    }

    drawAll() {
      const { player } = this;
      const { ladder, events, labels } = player.trajectory;
      this.width = this.plot.clientWidth;
      const mastery = new Map();
      for (const event of events) if (event.code === "breakthrough" && !mastery.has(event.detail)) mastery.set(event.detail, event);
      this.rungs = [];
      const tier = (name) => {
        const rungs = ladder.components.filter((component) => component.tier === name).map((component) => {
          const mark = make("i", { "aria-hidden": "true" });
          const state = make("span", { class: "state" });
          const item = make("li", {}, mark, make("b", {}, player.called(component.name)), " ", state);
          const by = mastery.get(component.name);
          this.rungs.push({ component, item, state, by });
          return item;
        });
        return make("div", { class: "tier" }, make("h4", {}, player.word(name)), make("ul", {}, ...rungs));
      };
      this.list.replaceChildren(...(ladder.components.length ? [...ladder.tiers].reverse().map(tier) : [make("p", { class: "note" }, player.text("player.ladder_none"))]));
      const lines = [["generation", OKABE_ITO[0], "solid", ladder.generation], ["frontier", OKABE_ITO[5], "dashed", ladder.frontier]];
      this.main.setOption({
        grid: { ...this.margins }, xAxis: this.axis,
        yAxis: { type: "value", minInterval: 1, axisLabel: axisText, splitLine: { lineStyle: { color: "#DDDDDD" } } },
        tooltip: { ...this.tooltip((points) => facts(labels[Math.min(points[0].dataIndex, player.last)], lines.map(([name, , , values]) =>
          [player.text(`player.ladder.${name}`), player.number(values[Math.min(points[0].dataIndex, player.last)])]))), trigger: "axis" },
        series: lines.map(([name, colour, type, values]) => ({
          id: name, type: "line", step: "end", symbol: "none", silent: true, emphasis: { disabled: true }, data: this.drawn(values), lineStyle: { color: colour, width: 3, type }, itemStyle: { color: colour },
        })),
      }, { replaceMerge: ["series"] });
      this.numbers = lines.map(([name, colour, type, values]) => ({ name, values, shown: make("b"), colour, type }));
      this.legend.replaceChildren(...this.numbers.map(({ name, shown, colour, type }) =>
        make("li", {}, lineMark(type, colour), player.text(`player.ladder.${name}`), " ", shown)));
    }

    drawStep(step) {
      super.drawStep(step);
      const { player } = this;
      const { labels } = player.trajectory;
      for (const { component, item, state, by } of this.rungs) {
        const reached = (when) => when !== null && when !== undefined && when <= step;
        const now = reached(component.mastered) ? "mastered" : reached(component.licensed) ? "licensed" : "missing";
        item.className = now;
        const parts = [player.text(`player.ladder.${now}`, { when: labels[now === "mastered" ? component.mastered : component.licensed] ?? "" })];
        if (by && by.step <= step) parts.push(player.text("player.ladder.first", { who: player.called(by.subject_name), when: labels[by.step] }));
        state.textContent = parts.join(" · ");
      }
      for (const { shown, values } of this.numbers) shown.textContent = player.number(values[step]);
      if (!player.playing) this.describe(step, this.legendText);
    }
  }

  class Symbiosis extends Panel {
    build() {
      this.table = make("table", { class: "matrix" });
      this.legend = make("ul", { class: "legend" });
      this.body.append(make("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": this.heading.id }, this.table), this.legend);
    }

    drawAll() {
      const { player } = this;
      const { roles, effects } = player.trajectory.symbiosis;
      this.largest = Math.max(1e-9, ...effects.map((matrix) => Math.max(...matrix.flat().map(Math.abs))));
      this.cells = roles.map((_, row) => roles.map((__, column) => make("td", { class: row === column ? "self" : "" })));
      this.table.replaceChildren(
        make("thead", {}, make("tr", {}, make("td"), ...roles.map((role) => make("th", { scope: "col" }, make("span", {}, player.word(role)))))),
        make("tbody", {}, ...roles.map((role, row) => make("tr", {}, make("th", { scope: "row" }, player.word(role)), ...this.cells[row]))));
      this.legend.replaceChildren(...Object.entries(SIGNS).map(([reading, sign]) => make("li", {}, make("b", {}, sign), " ", player.word(reading))));
    }

    drawStep(step) {
      const { player } = this;
      const { roles, effects, readings } = player.trajectory.symbiosis;
      for (let row = 0; row < roles.length; row++) {
        for (let column = 0; column < roles.length; column++) {
          if (row === column) continue;
          const effect = effects[step][row][column];
          const reading = readings[step][row][column] ?? "";
          const cell = this.cells[row][column];
          const strength = Math.min(1, Math.abs(effect) / this.largest);
          const [red, green, blue] = effect < 0 ? [213, 94, 0] : [0, 114, 178];
          cell.style.backgroundColor = `rgba(${red},${green},${blue},${(0.55 * strength).toFixed(2)})`;
          const sign = effect > 0 ? "+" : "";
          const text = `${sign}${Math.abs(effect) < 0.005 ? "0" : effect.toFixed(2)}`.replace("+0", effect < 0.005 ? "0" : "+0").replace("-", "−");
          const mark = SIGNS[reading] ?? "";
          if (cell.shown === `${text}${mark}${player.language}`) continue;
          cell.shown = `${text}${mark}${player.language}`;
          cell.replaceChildren(text, make("small", {}, mark));
          cell.title = player.text("player.symbiosis_cell", { role: player.word(roles[row]), other: player.word(roles[column]), effect: player.number(effect), reading: player.word(reading) });
        }
      }
    }
  }

  class Surroundings extends Timeline {
    build() {
      this.timeline({ left: 48, right: 16, top: 8, bottom: 28 });
      this.legend = make("ul", { class: "legend" });
      this.body.append(this.legend);
    }

    drawAll() {
      const { player } = this;
      const { environment, labels } = player.trajectory;
      this.width = this.plot.clientWidth;
      const colours = [OKABE_ITO[0], OKABE_ITO[5], OKABE_ITO[2], OKABE_ITO[8]];
      this.main.setOption({
        grid: { ...this.margins }, xAxis: this.axis,
        yAxis: { type: "value", scale: true, axisLabel: axisText, splitLine: { lineStyle: { color: "#DDDDDD" } } },
        tooltip: { ...this.tooltip((points) => {
          const at = Math.min(points[0].dataIndex, player.last);
          return facts(labels[at], environment.names.map((name, place) => [player.word(name), player.number(environment.levels[at][place])]));
        }), trigger: "axis" },
        series: environment.names.map((name, place) => ({
          id: name, type: "line", symbol: "none", silent: true, emphasis: { disabled: true }, data: this.drawn(environment.levels.map((row) => row[place])),
          lineStyle: { color: colours[place % 4], width: 2.5, type: DASHES[place % 4] }, itemStyle: { color: colours[place % 4] },
        })),
      }, { replaceMerge: ["series"] });
      this.numbers = environment.names.map(() => make("b"));
      this.legend.replaceChildren(...environment.names.map((name, place) =>
        make("li", {}, lineMark(DASHES[place % 4], colours[place % 4]), player.word(name), " ", this.numbers[place])));
    }

    drawStep(step) {
      super.drawStep(step);
      const { player } = this;
      const levels = player.trajectory.environment.levels[step];
      this.numbers.forEach((shown, place) => { shown.textContent = player.number(levels[place]); });
      if (!player.playing) this.describe(step, this.legendText);
    }
  }

  const KINDS = {
    shares: Shares, table: ShareTable, flows: Flows, network: Network, events: Events, ladder: Ladder, symbiosis: Symbiosis, environment: Surroundings,
  };

  window.ecosimPlayer = {
    mount(element, trajectory, options = {}) {
      const player = new Player(element, trajectory, options);
      const methods = ["update", "setLanguage", "seek", "play", "pause", "select", "story", "statistics", "destroy"];
      return Object.fromEntries(methods.map((name) => [name, player[name].bind(player)]));
    },
  };
})();
