// The clinic simulator: look, believe, probe, commit, learn the truth. Introduced in notebook 10.
// The rules and all numbers are Python's (nsputil/clinic/game.py). A move is sent there; what comes back is drawn here.
import { Plot, bars, button, choice, element, fixed, legend, log, mount, radios, reading, setter, slider, sum, table, ticks } from "./kit.js";

const UNKNOWN = "none of these";
const LOOKS = ["normal", "odd"];
const number = (value) => (value === null ? "nothing" : `${Number(value.toPrecision(3))}`.replace("-", "−"));
const percent = (share) => `${fixed(100 * share, 1)} %`;
const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
const known = (values) => values.filter((value) => value !== null);

// The chosen causes get the share `to` together; the others keep their proportions. Python has the same: moved_belief.
export function movedBelief(belief, chosen, to, among = Object.keys(belief)) {
  const others = among.filter((name) => !chosen.includes(name));
  const total = sum(among.map((name) => belief[name]));
  const moved = { ...belief };
  for (const [names, share] of [[chosen, to], [others, total - to]]) {
    const old = sum(names.map((name) => belief[name]));
    for (const name of names) moved[name] = old > 1e-9 ? (belief[name] * share) / old : share / names.length;
  }
  return moved;
}

// Two pictures of a run, and under them the same in words and numbers.
// `levels` returns the reference levels of the loss: [[level, name, anchor]].
function cockpit(levels) {
  const parts = Array.from({ length: 40 }, (_, i) => (100 * (i + 1)) / 40);
  const axis = { x: [0, 100], xTicks: [0, 25, 50, 75, 100], xLabel: "part of the run (%)", height: 190 };
  const loss = new Plot({ ...axis, yLabel: "loss (nats)" });
  const accuracy = new Plot({ ...axis, y: [0, 1], yTicks: [0, 0.25, 0.5, 0.75, 1], yLabel: "accuracy" });
  const words = (name, values) => {
    const seen = known(values);
    if (!seen.length) return `${name}: no number`;
    return `${name}: ${fixed(seen[0], 3)} at first, ${fixed(seen[Math.floor(seen.length / 2)], 3)} midway, ` +
      `${fixed(seen.at(-1), 3)} at the end` + (values.at(-1) === null ? ", then no number any more" : "");
  };
  function line(plot, kind, values) {
    const places = values.flatMap((value, i) => (value === null ? [] : [i]));
    for (let from = 0; from < places.length;) { // a curve breaks off where there is no number
      let to = from;
      while (places[to + 1] === places[to] + 1) to += 1;
      const piece = places.slice(from, to + 1);
      plot.curve(kind, piece.map((i) => parts[i]), (x) => values[parts.indexOf(x)]);
      from = to + 1;
    }
  }
  function draw(width, named) { // named: [class, name, its loss, its accuracy]
    const highest = Math.max(0.8, ...known(named.flatMap(([, , values]) => values))) * 1.05;
    Object.assign(loss, { y: [0, highest], yTicks: ticks(highest).map((tick) => Number(tick.toPrecision(6))) });
    loss.begin(width, `Loss over the run. ${named.map(([, name, values]) => words(name, values)).join("; ")}. ` +
      `Levels: ${levels().map(([level, name]) => `${name} = ${fixed(level)}`).join(", ")}.`);
    for (const [level, name, anchor] of levels()) {
      loss.segment("reference", 0, level, 100, level);
      if (highest < 5) loss.words(`${name} = ${fixed(level)}`, anchor === "end" ? 100 : 1, level, anchor);
    }
    accuracy.begin(width, `Accuracy over the run. ${named.map(([, name, , values]) => words(name, values)).join("; ")}. Chance is 0.5.`);
    accuracy.segment("reference", 0, 0.5, 100, 0.5);
    accuracy.words("chance", 100, 0.5, "end");
    for (const [kind, , losses, accuracies] of named) {
      line(loss, kind, losses);
      line(accuracy, kind, accuracies);
    }
  }
  return { nodes: [loss.node, accuracy.node], draw, parts };
}

// What a loss stays at if nothing is learned, if only the prior is, if softmax is applied twice.
function levels({ signals }) {
  const prior = signals.find((found) => found.name === "prior.train")?.value ?? 0.5;
  const entropy = prior > 0 && prior < 1 ? -prior * Math.log(prior) - (1 - prior) * Math.log1p(-prior) : 0;
  return [[Math.log(2), "ln 2", "end"], [Math.log1p(Math.exp(-1)), "ln(1 + 1/e)", "start"],
    ...(Math.abs(prior - 0.5) > 0.05 ? [[entropy, "H(prior)", "end"]] : [])];
}

function section(title, nodes) {
  const heading = element("p", { className: "title", textContent: title });
  return element("div", { className: "part" }, [heading, ...nodes]);
}

// One bar a group; a button beside it opens one bar a cause of the group.
function beliefBars({ groups, about }, onBelief) {
  const rows = Object.entries(groups).map(([group, causes]) => {
    const whole = slider(group, { min: 0, max: 100, step: 1 }, (value) => onBelief(causes, value / 100));
    const inner = causes.length < 2 ? [] : causes.map((cause) => {
      const part = slider(cause, { min: 0, max: 100, step: 1 }, (value) => onBelief([cause], value / 100, causes));
      part.node.title = about[cause]?.mechanism ?? "";
      return { cause, part };
    });
    const list = element("div", { className: "causes", hidden: true }, inner.map(({ part }) => part.node));
    const open = button(`${causes.length}`, () => {
      list.hidden = !list.hidden;
      open.setAttribute("aria-expanded", !list.hidden);
    });
    open.setAttribute("aria-label", `${plural(causes.length, "cause")} of ${group}`);
    open.setAttribute("aria-expanded", false);
    if (inner.length) whole.node.append(open);
    return { causes, whole, inner, node: element("div", { className: "belief" }, [whole.node, list]) };
  });
  function show(belief) {
    for (const { causes, whole, inner } of rows) {
      const total = sum(causes.map((cause) => belief[cause]));
      whole.show(100 * total, percent(total));
      for (const { cause, part } of inner) {
        const share = total > 1e-9 ? belief[cause] / total : 1 / causes.length;
        part.show(100 * share, `${percent(share)} of it`);
      }
    }
  }
  return { nodes: rows.map((row) => row.node), show };
}

const healthy = ({ low, high }, before = "", after = "") =>
  (low === null ? "" : `${before}${low === high ? number(low) : `${number(low)} to ${number(high)}`}${after}`);

// A page without Python holds a few sealed cases: all outcomes, and what each adds to the scores of the causes.
// These are the rules of Game, but that the best probe is known in hindsight only. Each returns the traits that change.
const softmax = (logits) => {
  const shifted = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
  return shifted.map((value) => value / sum(shifted));
};

export function beliefOf(sealed, asked) {
  if (asked.length === 0) return softmax(sealed.log_probs);
  return softmax(sealed.start.map((score, c) => score + sum(asked.map((name) => sealed.nats[name][c]))));
}

export function bitsOf(before, after) {
  return sum(after.map((p, c) => p * Math.log2(Math.max(p, 1e-9) / Math.max(before[c], 1e-9))));
}

// The score of Game.commit. `belief` holds the causes and "none of these", `answers` the right ones.
export function scoreAt(belief, cause, answers, spent, budget, floor) {
  const count = Object.keys(belief).length;
  const total = sum(Object.values(belief));
  const truths = answers.length ? answers : [UNKNOWN];
  const share = Math.max(...truths.map((name) => floor + ((1 - floor * count) * belief[name]) / total));
  const right = truths.includes(cause);
  const belief_points = 100 * Math.max(-1, 1 + Math.log(share) / Math.log(count));
  const [probe_points, answer_points] = [(-100 * spent) / (2 * budget), right ? 0 : -25];
  return { right, belief_points, probe_points, answer_points, score: belief_points + probe_points + answer_points };
}

// `causes` holds their names in the order of the scores; the groups have another one.
function referee({ cases, causes, floor }, record) {
  const find = (code) => cases.find(({ table: { code: known } }) => known === code.trim().toUpperCase());
  const lay = (sick, sealed) => ({ case: { ...sick, ...sealed.table }, notebook: [], debrief: {}, repaired: [], facts: [],
    belief: Object.fromEntries(Object.values(sick.groups).flatMap((names, _, all) =>
      names.map((name) => [name, 1 / all.length / names.length]))) });
  const moves = {
    ask({ sick, lines, belief }, probe, predicted) {
      const { cost } = sick.probes[probe];
      const left = sick.budget - sum(lines.map((entry) => entry.cost));
      if (lines.some((entry) => entry.probe === probe)) return { problem: `${probe} was asked already.` };
      if (cost > left) return { problem: `${probe} costs ${plural(cost, "step")} and ${number(left)} are left; commit an answer.` };
      const sealed = find(sick.code);
      const asked = lines.map((entry) => entry.probe);
      const before = beliefOf(sealed, asked);
      const bits = (name) => bitsOf(before, beliefOf(sealed, [...asked, name]));
      const rates = Object.keys(sick.probes).filter((name) => !asked.includes(name))
        .map((name) => [bits(name) / (sick.probes[name].cost + 1), name]);
      const [best, best_probe] = rates.reduce((a, b) => (b[0] > a[0] ? b : a));
      const shares = Object.entries(sick.groups).map(([group, names]) => [sum(names.map((name) => belief[name])), group]);
      const [held_share, held] = shares.reduce((a, b) => (b[0] > a[0] ? b : a));
      const outcome = sealed.outcomes[probe];
      return { notebook: [...lines, { probe, cost, predicted, outcome, held, held_share, best, best_probe, bits: bits(probe),
        odd: outcome.some((found) => !found.usual), expected: bits(probe) / (cost + 1), hindsight: true }] };
    },
    commit({ sick, lines, belief, end }, committed) {
      if (end.committed) return { problem: "The game is over; deal another case." };
      const sealed = find(sick.code);
      const spent = sum(lines.map((entry) => entry.cost));
      const score = scoreAt(belief, committed, sealed.answers, spent, sick.budget, floor);
      const believed = beliefOf(sealed, lines.map((entry) => entry.probe));
      const tool = causes.map((name, c) => [name, believed[c]]).sort((a, b) => b[1] - a[1]).slice(0, 4);
      const shares = lines.filter((entry) => entry.best > 0).map((entry) => Math.min(1, entry.expected / entry.best));
      const hits = lines.filter((entry) => (entry.predicted === "odd") === entry.odd).length;
      const { played, right, score: mean } = record();
      return { debrief: { ...score, committed, truth: sealed.truth, mechanism: sealed.mechanism, fix: sealed.fix, tool, evidence: [],
        efficiency: shares.length ? sum(shares) / shares.length : 0, predictions: [hits, lines.length], bits: sum(lines.map((entry) => entry.bits)) },
        record: { played: played + 1, right: right + score.right, score: (played * mean + score.score) / (played + 1), practise: "" } };
    },
    rerun: ({ sick }) => ({ repaired: find(sick.code).pair }),
    open({ sick }, code) {
      const known = cases.map(({ table: { code: name } }) => name).join(", ");
      return find(code) ? lay(sick, find(code)) : { problem: `This page has no case ${code}, only ${known}; the notebook has all.` };
    },
    deal: ({ sick }) => lay(sick, cases[(cases.indexOf(find(sick.code)) + 1) % cases.length]),
  };
  return (move, state, args) => ({ problem: "", ...moves[move](state, ...args) });
}

function entryLine(entry) {
  const said = entry.predicted ? `, ${(entry.predicted === "odd") === entry.odd ? "as you said" : "against your prediction"}` : "";
  const odd = entry.outcome.filter((signal) => !signal.usual);
  const seen = odd.length ? odd.map((signal) => `${signal.what}: ${number(signal.value)}${healthy(signal, " (healthy ", ")")}`).join("; ")
    : `all ${entry.outcome.length} numbers are as in healthy runs`;
  const promised = entry.hindsight ? "would have given" : "promised";
  const best = entry.best_probe === entry.probe ? `no probe ${promised} more`
    : `${entry.best_probe} ${promised} most, ${fixed(entry.best, 2)} bits a step; this one ${fixed(entry.expected, 2)}`;
  const held = entry.held_share < 0.1 ? "no group more likely than the others" : `${entry.held} at ${percent(entry.held_share)}`;
  return `You held ${held}. ${entry.probe}, ${plural(entry.cost, "step")}: ` +
    `${entry.odd ? "odd" : "normal"}${said}: ${seen}. ${fixed(entry.bits, 2)} bits; ${best}.`;
}

function render({ model, el }) {
  const set = setter(model);
  const alone = model.get("sealed")?.cases ? referee(model.get("sealed"), () => model.get("record")) : null;
  let pending = 0; // the turn that a move waits for
  let heard = -1; // the turn that was last spoken of
  let predicted = -1;
  let shownCase = null;
  let beliefs, probe, answer, level;
  const said = Object.fromEntries(["deal", "ask", "commit", "rerun", "examine"].map((move) => [move, reading()]));
  let last = "deal"; // the move that was made last: its place is where an answer is read
  const say = (text) => { for (const move of Object.keys(said)) said[move].textContent = move === last ? text : ""; };
  function play(move, ...args) {
    if (pending > model.get("turn")) return;
    last = move === "open" ? "deal" : move;
    if (alone) {
      const state = { sick: model.get("case"), lines: model.get("notebook"), belief: model.get("belief"), end: model.get("debrief") };
      const changes = { ...alone(move, state, args), turn: model.get("turn") + 1 };
      Object.entries(changes).forEach(([trait, value]) => model.set(trait, value));
      model.save_changes();
      return;
    }
    pending = model.get("turn") + 1;
    const mine = pending;
    const unheard = () => model.get("turn") < mine;
    const giveUp = () => {
      pending = 0;
      say("Python does not answer. Is the kernel busy? If it was restarted, run this cell again.");
    };
    setTimeout(() => { if (unheard() && pending) say("Python is at work ..."); }, 300);
    setTimeout(() => { if (unheard() && pending) giveUp(); }, ["rerun", "examine"].includes(move) ? 60000 : 10000);
    try {
      model.send({ do: move, with: args, belief: model.get("belief") });
    } catch { // the widget outlived its kernel
      giveUp();
    }
  }

  const code = element("input", { type: "text", size: 6, autocomplete: "off" });
  const codeLabel = element("label", {}, ["Case code ", code]);
  code.addEventListener("keydown", (event) => { if (event.key === "Enter") play("open", code.value); });
  const record = element("p");
  const run = cockpit(() => levels(model.get("case")));
  const names = legend([["gold", "training batches"], ["held-out", "held-out pairs"]]);
  const tableOfCurves = table("The curves as a table", ["part", "training loss", "accuracy", "held-out loss", "accuracy"],
    () => run.parts.map((part, i) => [`${fixed(part, 1)} %`, ...model.get("case").curves.map((row) => (row[i] === null ? "none" : fixed(row[i], 3)))]));
  const numbers = (found) => [`${found.name}: ${found.what} (${found.unit})`, number(found.value), healthy(found)];
  const heads = ["what", "is", "nine tenths of healthy runs"];
  const instruments = table("Instruments", heads, () => model.get("case").signals.map(numbers));
  const outcomes = table("All numbers of the probes", heads, () => model.get("notebook").flatMap((entry) => entry.outcome.map(numbers)));
  for (const { node } of [instruments, outcomes]) node.classList.add("wordy");
  const prediction = radios("It will look", LOOKS, (chosen) => { predicted = chosen; }, false);
  const question = element("p");
  const notebook = log("Evidence notebook");
  const answered = element("p");
  const verdict = reading();
  const truth = element("p");
  const account = element("p");
  const toolBars = element("div");
  const evidence = element("ul");
  const again = cockpit(() => levels(model.get("case")));
  const againNames = legend([["other", "held-out, as it was"], ["held-out", alone ? "held-out, healthy" : "held-out, repaired"]]);
  const afterwards = element("p");
  const rerun = button(alone ? "See a healthy run" : "Train it again, repaired", () => play("rerun"));
  const examine = button("Examine its facts", () => play("examine"));
  const facts = log("What the facts say");
  const places = Object.fromEntries(["level", "beliefs", "probe", "answer", "after"].map((name) => [name, element("div")]));
  const debrief = section("5 Debrief", [verdict, truth, account, element("p", { textContent: "What the tool believes on the same evidence:" }),
    toolBars, evidence, examine, said.examine, facts.node, rerun, said.rerun, places.after]);

  // All that depends on the case: names of causes, probes, groups.
  function deal(sick) {
    shownCase = sick.code;
    const { groups, about, probes } = sick;
    code.value = sick.code;
    const chosen = level?.node.querySelector("select").value;
    level = choice("Deal from", ["what I confuse", ...Object.keys(groups).filter((name) => name !== UNKNOWN)], () => {});
    if (chosen) level.show(chosen);
    beliefs = beliefBars(sick, (causes, to, among) => {
      const belief = model.get("belief");
      const share = among ? to * sum(among.map((cause) => belief[cause])) : to;
      set("belief", movedBelief(belief, causes, share, among));
    });
    probe = choice("Probe", Object.keys(probes).map((name) => `${name} (${plural(probes[name].cost, "step")})`), putQuestion);
    const explain = (name) => { answered.textContent = about[name] ? `${about[name].mechanism} Repair: ${about[name].fix}` : ""; };
    answer = choice("The answer", [], explain);
    answer.select = answer.node.querySelector("select");
    answer.select.append(...Object.entries(groups).map(([group, causes]) =>
      element("optgroup", { label: group }, causes.map((cause) => new Option(cause)))));
    explain(answer.select.value);
    for (const [place, part] of [["level", level], ["probe", probe], ["answer", answer]]) places[place].replaceChildren(part.node);
    places.beliefs.replaceChildren(...beliefs.nodes);
    predicted = -1;
    prediction.show(-1);
    putQuestion();
  }
  const chosenProbe = () => Object.keys(model.get("case").probes)[probe.node.querySelector("select").selectedIndex];
  function putQuestion() {
    question.textContent = model.get("case").probes[chosenProbe()].question;
  }
  function runProbe() {
    last = "ask";
    if (predicted < 0) say("Predict first: will its numbers look like those of healthy runs, or will one be odd?");
    else play("ask", chosenProbe(), LOOKS[predicted]);
  }
  function tell(end) {
    const right = end.right ? "Right" : `Not right: you said ${end.committed}`;
    verdict.textContent = `${right}. It is ${end.truth}. Score ${fixed(end.score, 0)}: ` +
      `belief ${fixed(end.belief_points, 0)}, probes ${fixed(end.probe_points, 0)}, answer ${fixed(end.answer_points, 0)}.`;
    truth.textContent = end.mechanism ? `${end.mechanism} Repair: ${end.fix}` : "Nothing was wrong, and nothing had to be repaired.";
    const repaired = alone ? "A healthy run of the same program:" : "Your repair, trained:";
    afterwards.textContent = end.right ? repaired :
      `The repair of ${end.committed} changes nothing here: the run stays as it was. ${alone ? repaired : "With the right one:"}`;
    const [hits, made] = end.predictions;
    account.textContent = made ? `You won ${fixed(end.bits, 2)} bits. Your probes ${alone ? "gave" : "promised"} ${percent(end.efficiency)} of what the best ` +
      `available ones ${alone ? "would have given" : "promised"} for a step. ${hits} of ${plural(made, "prediction")} came true.` : "You asked no probe.";
    const chart = bars("The tool's belief", end.tool.map(([name]) => name));
    chart.show(end.tool.map(([, share]) => share));
    toolBars.replaceChildren(chart.node);
    evidence.replaceChildren(...end.evidence.map((line) => element("li", { textContent: line })));
  }
  function update(width) {
    const sick = model.get("case");
    const lines = model.get("notebook");
    const end = model.get("debrief");
    if (shownCase !== sick.code) deal(sick);
    const [loss, accuracy, heldLoss, heldAccuracy] = sick.curves;
    run.draw(width, [["gold", "Training", loss, accuracy], ["held-out", "Held-out", heldLoss, heldAccuracy]]);
    beliefs.show(model.get("belief"));
    const before = notebook.node.querySelectorAll("li").length;
    notebook.show(lines.map(entryLine));
    if (lines.length > before) {
      predicted = -1;
      prediction.show(-1);
    }
    [...probe.node.querySelector("select").options].forEach((option, i) => {
      option.disabled = lines.some((entry) => entry.probe === Object.keys(sick.probes)[i]);
    });
    const { played, right, score, practise } = model.get("record");
    record.textContent = played ? `Played: ${played}, right: ${right}, mean score ${fixed(score, 0)}.${practise ? ` To practise: ${practise}.` : ""}` : "";
    const left = sick.budget - sum(lines.map((entry) => entry.cost));
    const turn = model.get("turn");
    if (pending <= turn && turn !== heard) {
      heard = turn;
      const steps = `${number(left)} of ${number(sick.budget)} steps left.`;
      say(model.get("problem") || { deal: `Case ${sick.code} is on the table. ${steps}`, ask: steps, commit: "", rerun: "", examine: "" }[last]);
    }
    debrief.hidden = !end.committed;
    if (end.committed && verdict.dataset.of !== sick.code) tell(end);
    verdict.dataset.of = end.committed ? sick.code : "";
    const repaired = model.get("repaired");
    rerun.hidden = repaired.length > 0;
    const violated = model.get("facts");
    examine.hidden = alone !== null || violated.length > 0; // it takes a training, which takes Python
    facts.node.hidden = violated.length === 0;
    facts.show(violated);
    places.after.replaceChildren(...(repaired.length ? [afterwards, againNames, ...again.nodes] : []));
    if (repaired.length) again.draw(width, [["other", "Held-out, as it was", heldLoss, heldAccuracy], ["held-out", "Held-out, repaired", repaired[2], repaired[3]]]);
    tableOfCurves.show();
    instruments.show();
    outcomes.show();
  }
  const header = element("div", { className: "row" }, [codeLabel, button("Open", () => play("open", code.value)), places.level,
    button("Deal a case", () => play("deal", level.node.querySelector("select").selectedIndex === 0 ? "" : level.node.querySelector("select").value))]);
  const ask = button("Run the probe", runProbe);
  places.probe.className = "probe";
  ask.classList.add("run");
  const nodes = [header, record, said.deal,
    section("1 Look", [names, ...run.nodes, tableOfCurves.node, instruments.node]),
    section("2 Believe", [places.beliefs]),
    section("3 Predict, then probe", [places.probe, question, prediction.node, ask, said.ask, notebook.node, outcomes.node]),
    section("4 Commit and repair", [places.answer, answered, button("Commit", () => play("commit", answer.select.value)), said.commit]),
    debrief];
  const traits = ["case", "belief", "notebook", "debrief", "repaired", "facts", "record", "turn", "problem"];
  return mount({ model, el }, "clinic-simulator", "Clinic simulator", nodes, traits, update);
}

export default { render };
