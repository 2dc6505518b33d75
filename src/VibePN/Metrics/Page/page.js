'use strict';
// Names and reasons come from peers: they reach the page by textContent and attributes alone, never as markup.
const SVG = 'http://www.w3.org/2000/svg', KEPT = 300, GAP = 3, MANY = 16, HIDDEN_MS = 60000;
const STATES = ['connected', 'dialing', 'waiting', 'refused', 'unreachable'];
const SHOWN = { connected: 'connected', dialing: 'dialing', waiting: 'waiting', refused: 'refused', unreachable: 'unreachable' };
const $ = id => document.getElementById(id);

function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  return fill(node, attributes, children);
}

function draw(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.filter(child => child !== null));
  return node;
}

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// --- numbers for people ---

function scaled(value, units, step) {
  let i = 0;
  while (value >= step && i < units.length - 1) { value /= step; i++; }
  return [value >= 100 || i === 0 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2), units[i]];
}

const bits = bytes => bytes === null ? '–' : scaled(bytes * 8, ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s'], 1000).join(' ');
const bytes = value => scaled(value, ['B', 'KiB', 'MiB', 'GiB', 'TiB'], 1024).join(' ');
const millis = value => value === null || value === undefined ? '–' : (value < 1 ? value.toFixed(2) : value < 10 ? value.toFixed(1) : value.toFixed(0)) + ' ms';
const share = value => value === null || value === undefined ? '–' : (value * 100).toFixed(value < 0.01 && value > 0 ? 2 : 1) + ' %';
const count = value => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ' ');

function time(seconds) {
  const s = Math.max(0, Math.floor(seconds)), d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
  return d ? `${d} d ${h} h` : h ? `${h} h ${m} min` : m ? `${m} min` : `${s} s`;
}

// outPeerDown -> out: peer down
function words(reason) {
  const text = reason.replace(/[A-Z]/g, letter => ' ' + letter.toLowerCase());
  return text.replace(/^(in|out) /, '$1: ');
}

const stateOf = peer => peer.state.startsWith('refused') ? 'refused' : STATES.includes(peer.state) ? peer.state : 'waiting';

// --- what is kept ---

const samples = [];          // of all peers: {at, in, out, rtt}
const byPeer = new Map();    // name -> the same, of one
let now = null, before = null, routes = [], chosen = null, network = '', lastUp = '', laidOut = '';

function take(next) {
  if (now && (next.at < now.at || next.id !== now.id)) { before = null; samples.length = 0; byPeer.clear(); }
  else if (now && next.at === now.at) return;
  else before = now;
  now = next;
  const passed = before ? now.at - before.at : 0;
  const old = new Map(before ? before.peers.map(peer => [peer.name, peer]) : []);
  let all = { at: now.at, in: 0, out: 0, rtt: null };
  const rtts = [];
  for (const peer of now.peers) {
    const was = old.get(peer.name), ok = was && passed > 0 && peer.in >= was.in && peer.out >= was.out;
    peer.rateIn = ok ? (peer.in - was.in) / passed : null;
    peer.rateOut = ok ? (peer.out - was.out) / passed : null;
    all.in += peer.rateIn || 0;
    all.out += peer.rateOut || 0;
    if (peer.rtt !== undefined) rtts.push(peer.rtt);
    let kept = byPeer.get(peer.name);
    if (!kept) byPeer.set(peer.name, kept = []);
    keep(kept, { at: now.at, in: peer.rateIn, out: peer.rateOut, rtt: peer.rtt === undefined ? null : peer.rtt });
  }
  for (const name of byPeer.keys()) if (!now.peers.some(peer => peer.name === name)) byPeer.delete(name);
  rtts.sort((a, b) => a - b);
  all.rtt = rtts.length ? rtts[rtts.length >> 1] : null;
  if (!before) all.in = all.out = null;
  keep(samples, all);
  if (chosen !== null && !byPeer.has(chosen)) chosen = null;
  show();
}

function keep(list, sample) {
  list.push(sample);
  while (list.length > KEPT + 1 || list[0].at < sample.at - KEPT) list.shift();
}

// --- head and tiles ---

function show() {
  const up = now.peers.filter(peer => peer.state === 'connected').length, last = samples[samples.length - 1];
  say($('node-name'), now.name);
  document.title = `${up}/${now.peers.length} · ${now.name} · VibePN`;
  say($('node-facts'), `VibePN ${now.version} · up ${time(now.up)} · ${bytes(now.rss)} · ${now.id.slice(0, 12)}`);
  tile('t-peers', String(up), ` of ${now.peers.length}`);
  tile('t-in', ...split(bits(last.in)));
  tile('t-out', ...split(bits(last.out)));
  tile('t-rtt', ...split(millis(last.rtt)));
  tile('t-routes', String(routes.filter(route => route.used).length), ` of ${routes.length}`);
  const dropped = sum(now.drops), was = before ? sum(before.drops) : dropped;
  tile('t-drops', count(dropped), dropped > was ? ` +${count(dropped - was)}` : '');
  const told = `${up} of ${now.peers.length} peers connected`;
  if (told !== lastUp) { say($('said'), told); lastUp = told; }
  networks();
  map();
  plots();
  detail();
  tables();
}

const sum = drops => Object.values(drops).reduce((a, b) => a + b, 0);

function split(text) {
  const at = text.indexOf(' ');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at)];
}

function tile(id, large, small) {
  const node = $(id);
  if (node.textContent !== large + small) node.replaceChildren(large, make('small', {}, small));
}

// --- the mesh ---

function sign(state, x, y, r) {
  const group = draw('g', { class: 's-' + state });
  const path = state === 'unreachable' ? `M${x} ${y - r}L${x + r} ${y + r * .8}L${x - r} ${y + r * .8}z`
    : state === 'refused' ? `M${x - r * .85} ${y - r * .85}h${r * 1.7}v${r * 1.7}h${-r * 1.7}z` : null;
  group.append(path ? draw('path', { class: 'shape', d: path })
    : draw('circle', { class: state === 'connected' ? 'shape' : 'hollow', cx: x, cy: y, r: state === 'connected' ? r : r - 1, 'stroke-dasharray': state === 'dialing' ? '3 2' : null }));
  return group;
}

function networks() {
  const names = now.networks.map(one => one.name), key = names.join('\n');
  if ($('net').dataset.key !== key) {
    $('net').dataset.key = key;
    $('net').replaceChildren(make('option', { value: '' }, 'all'), ...names.map(name => make('option', { value: name }, name)));
    if (!names.includes(network)) network = '';
    $('net').value = network;
    $('net-pick').hidden = names.length < 2;
  }
}

function places(number) {
  const list = [], cx = 320, cy = 250;
  if (number <= MANY) {
    for (let i = 0; i < number; i++) {
      const angle = number === 1 ? 0 : (i / number) * 2 * Math.PI - Math.PI / 2 + (number === 2 ? Math.PI / 2 : 0);
      list.push([cx + 215 * Math.cos(angle), cy + 175 * Math.sin(angle), angle]);
    }
    return list;
  }
  // Rings, as evenly filled as their lengths allow.
  const step = number > 260 ? 17 : 25, rings = [];
  let room = 0;
  for (let r = 95; room < number && r < 2000; r += step + 8) { const n = Math.floor(2 * Math.PI * r / step); rings.push([r, n]); room += n; }
  const scale = Math.min(1, 228 / rings[rings.length - 1][0]);
  let left = number;
  rings.forEach(([r, n], k) => {
    const here = k === rings.length - 1 ? left : Math.min(left, Math.round(number * n / room));
    left -= here;
    for (let i = 0; i < here; i++) {
      const angle = (i + (k % 2) / 2) / here * 2 * Math.PI - Math.PI / 2;
      list.push([cx + r * scale * 1.28 * Math.cos(angle), cy + r * scale * Math.sin(angle), angle]);
    }
  });
  return list;
}

function map() {
  const shown = now.peers.filter(peer => !network || peer.networks.includes(network)).sort((a, b) => a.name < b.name ? -1 : 1);
  const few = shown.length <= MANY, svg = $('map');
  $('map-empty').hidden = now.peers.length > 0;
  svg.toggleAttribute('hidden', now.peers.length === 0);
  $('legend').hidden = now.peers.length === 0;
  // What moves every second is text; the drawing is made again only when who is there, or a state, changes.
  const key = JSON.stringify([network, chosen, shown.map(peer => [peer.name, peer.state])]);
  if (key !== laidOut) {
    laidOut = key;
    const focused = document.activeElement && document.activeElement.closest && document.activeElement.closest('.peer');
    const focusName = focused ? focused.dataset.peer : null;
    const at = places(shown.length), edges = draw('g', {}), nodes = draw('g', {});
    svg.classList.toggle('many', !few);
    svg.classList.toggle('some', shown.length > 6);
    shown.forEach((peer, i) => {
      const state = stateOf(peer), [x, y, angle] = at[i], r = few ? 9 : shown.length > 260 ? 5 : 7;
      edges.append(draw('line', { class: `edge s-${state}${peer.name === chosen ? ' on' : ''}`, x1: 320, y1: 250, x2: x, y2: y }));
      const below = Math.sin(angle) > -0.5 || !few, ty = few ? (below ? y + 26 : y - 30) : y - 26;
      const anchor = x > 540 ? 'end' : x < 100 ? 'start' : 'middle', tx = anchor === 'end' ? Math.min(x + 60, 632) : anchor === 'start' ? Math.max(x - 60, 8) : x;
      nodes.append(draw('g', { class: 'peer', role: 'button', tabindex: '-1', 'data-peer': peer.name, 'aria-pressed': String(peer.name === chosen) },
        draw('circle', { class: 'ring', cx: x, cy: y, r: r + 5 }), draw('circle', { cx: x, cy: y, r: few ? 22 : r + 3, fill: 'transparent' }), sign(state, x, y, r),
        draw('text', { class: 'halo', x: tx, y: ty, 'text-anchor': anchor }, short(peer.name, 22)),
        draw('text', { class: 'sub halo', x: tx, y: ty + 15, 'text-anchor': anchor })));
    });
    svg.replaceChildren(edges, nodes, draw('circle', { class: 'self', cx: 320, cy: 250, r: 15 }), draw('text', { class: 'halo', x: 320, y: 285, 'text-anchor': 'middle' }, short(now.name, 22)));
    const tab = [...nodes.children].find(node => node.dataset.peer === (focusName ?? chosen)) || nodes.firstChild;
    if (tab) tab.setAttribute('tabindex', '0');
    if (tab && focusName !== null) tab.focus();
    legend(shown);
  }
  const nodes = [...svg.querySelectorAll('.peer')];
  shown.forEach((peer, i) => {
    const text = peer.state === 'connected' ? millis(peer.rtt) + (peer.rateIn + peer.rateOut > 125 ? ' · ' + bits(peer.rateIn + peer.rateOut) : '') : peer.state;
    say(nodes[i].lastChild, text);
    nodes[i].setAttribute('aria-label', `${peer.name}: ${peer.state}${peer.rtt === undefined ? '' : ', round trip ' + millis(peer.rtt)}`);
  });
}

function short(text, length) {
  const letters = [...text];
  return letters.length > length ? letters.slice(0, length - 1).join('') + '…' : text;
}

function legend(shown) {
  $('legend').replaceChildren(...STATES.map(state => {
    const number = shown.filter(peer => stateOf(peer) === state).length;
    return number === 0 ? null : make('li', {},
      draw('svg', { viewBox: '0 0 44 14', 'aria-hidden': 'true' }, draw('line', { class: `edge s-${state}`, x1: 0, y1: 7, x2: 30, y2: 7 }), sign(state, 36, 7, 6)), `${number} ${SHOWN[state]}`);
  }).filter(item => item !== null));
}

function choose(name) {
  chosen = chosen === name ? null : name;
  if (now) show();
}

$('map').addEventListener('click', event => {
  const peer = event.target.closest('.peer');
  if (peer) choose(peer.dataset.peer);
});

$('map').addEventListener('keydown', event => {
  const peer = event.target.closest('.peer');
  if (!peer) return;
  const all = [...$('map').querySelectorAll('.peer')], i = all.indexOf(peer);
  const to = { ArrowRight: i + 1, ArrowDown: i + 1, ArrowLeft: i - 1, ArrowUp: i - 1, Home: 0, End: all.length - 1 }[event.key];
  if (to !== undefined) {
    const next = all[(to + all.length) % all.length];
    peer.setAttribute('tabindex', '-1');
    next.setAttribute('tabindex', '0');
    next.focus();
  } else if (event.key === 'Enter' || event.key === ' ') {
    choose(peer.dataset.peer);
  } else {
    return;
  }
  event.preventDefault();
});

$('net').addEventListener('change', () => { network = $('net').value; if (now) show(); });
$('all').addEventListener('click', () => { choose(chosen); $('plots-title').focus(); });

// --- plots ---

function plots() {
  const list = chosen === null ? samples : byPeer.get(chosen);
  say($('plots-title'), chosen === null ? 'Last 5 minutes' : 'Last 5 minutes: ' + short(chosen, 28));
  say($('rtt-key'), chosen === null ? 'median' : 'smoothed');
  $('all').hidden = chosen === null;
  $('hint').hidden = chosen !== null || now.peers.length === 0;
  const rate = plot('plot-rate', list, ['in', 'out'], 1000 / 8), delay = plot('plot-rtt', list, ['rtt'], 1);
  say($('p-rate'), rate > 0 ? 'up to ' + bits(rate) : '');
  say($('p-rtt'), delay > 0 ? 'up to ' + millis(delay) : '');
}

function plot(id, list, keys, least) {
  let top = 0;
  for (const sample of list) for (const key of keys) top = Math.max(top, sample[key] || 0);
  const full = Math.max(top * 1.1, least), grid = [37.5, 75, 112.5].map(y => `M0 ${y}H600`).join('');
  const lines = keys.map(key => {
    let d = '', last = null;
    for (const sample of list) {
      if (sample[key] === null) { last = null; continue; }
      const x = 600 - (now.at - sample.at) / KEPT * 600, y = 148 - sample[key] / full * 144;
      // A lonely sample is a stroke of its own, so that it can be seen.
      d += (last === null || sample.at - last > GAP ? `M${x.toFixed(1)} ${y.toFixed(1)}h.1` : '') + `L${x.toFixed(1)} ${y.toFixed(1)}`;
      last = sample.at;
    }
    return draw('path', { class: key, d });
  });
  $(id).replaceChildren(draw('path', { class: 'grid', d: grid }), ...lines);
  return top;
}

function detail() {
  const peer = now.peers.find(one => one.name === chosen);
  $('detail').hidden = !peer;
  if (!peer) return;
  say($('d-name'), peer.name);
  const facts = [
    ['State', peer.state + (peer.reason ? ': ' + peer.reason : '')], ['For', peer.age === undefined ? null : time(peer.age)], ['Address', peer.address],
    ['Networks', peer.networks.join(', ')], ['Addresses', (peer.addresses || []).join(', ')], ['Round trip', peer.rtt === undefined ? null : millis(peer.rtt)],
    ['Loss', peer.loss === undefined ? null : share(peer.loss)], ['MTU', peer.mtu === undefined ? null : peer.mtu + ' bytes'],
    ['In', `${bytes(peer.in)}, ${bits(peer.rateIn)}`], ['Out', `${bytes(peer.out)}, ${bits(peer.rateOut)}`],
    ['Waiting', peer.queue ? `${bytes(peer.queue)}, ${millis(peer.wait)}` : null], ['Dropped here', peer.dropped ? count(peer.dropped) : null],
    ['Routes refused', peer.refused ? count(peer.refused) : null], ['Protocol', peer.protocol], ['Id', peer.id ? peer.id.slice(0, 16) + ' …' : null],
  ].filter(([, value]) => value);
  $('d-facts').replaceChildren(...facts.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]));
}

// --- tables ---

// A column: head, value to sort by, what is shown (the value if it says nothing), and its class.
const TABLES = {
  peers: {
    rows: () => now.peers.filter(peer => !network || peer.networks.includes(network)), none: 'No peers yet. `vibepn invite` makes an invite for the first.', sort: 0, down: false,
    peer: row => row.name,
    columns: [
      ['Name', row => row.name, row => make('button', { type: 'button', 'aria-pressed': String(row.name === chosen) }, row.name)],
      ['State', row => row.state, row => marked(row)],
      ['Networks', row => row.networks.join(', '), null, 'wide'],
      ['Round trip', row => row.rtt ?? null, row => millis(row.rtt), 'n'],
      ['Loss', row => row.loss ?? null, row => share(row.loss), 'n wide'],
      ['In', row => row.rateIn, row => bits(row.rateIn), 'n'],
      ['Out', row => row.rateOut, row => bits(row.rateOut), 'n'],
      ['MTU', row => row.mtu ?? null, row => row.mtu === undefined ? '–' : String(row.mtu), 'n wide'],
      ['Address', row => row.address || '', row => row.address || '–', 'wide'],
    ],
  },
  routes: {
    rows: () => routes.filter(route => !network || route.network === network), none: 'No routes yet: they come with the first network.', sort: 0, down: false,
    peer: row => row.peer || null,
    columns: [
      ['Prefix', row => row.prefix],
      ['Network', row => row.network, null, 'wide'],
      ['To', row => row.peer || '', row => row.peer || 'this node'],
      ['State', row => row.state],
      ['Kind', row => row.source, row => row.metric === undefined ? row.source : `${row.source}, metric ${row.metric}`, 'wide'],
      ['Why', row => [row.why, row.conflict].filter(Boolean).join('; ')],
    ],
  },
  drops: {
    rows: () => Object.entries(now.drops).filter(([, number]) => number > 0).map(([reason, number]) => ({ reason, number, more: before ? (number - (before.drops[reason] || 0)) / (now.at - before.at) : 0 })),
    none: 'Nothing was dropped.', sort: 1, down: true,
    columns: [
      ['Reason', row => words(row.reason)],
      ['Packets', row => row.number, row => count(row.number), 'n'],
      ['Per second', row => row.more, row => count(row.more), 'n'],
    ],
  },
  nets: {
    rows: () => now.networks, none: 'No networks yet: `vibepn init --network` makes one.', sort: 0, down: false,
    columns: [
      ['Name', row => row.name], ['Interface', row => row.interface, null, 'wide'],
      ['Own addresses', row => row.addresses.join(', ')],
      ['MTU', row => row.mtu, null, 'n'], ['Dropped', row => sum(row.drops), row => count(sum(row.drops)), 'n'],
    ],
  },
};

function marked(peer) {
  const cell = make('span', {}, fill(draw('svg', { class: 'sign', viewBox: '0 0 14 14', 'aria-hidden': 'true' }, sign(stateOf(peer), 7, 7, 6)), {}, []), peer.state);
  if (peer.reason) cell.append(make('span', { class: 'why' }, peer.reason));
  return cell;
}

function collate(a, b) {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return typeof a === 'number' ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true });
}

function tables() {
  for (const id of Object.keys(TABLES)) table(id);
}

function table(id) {
  const { rows, none, columns, peer } = TABLES[id], spec = TABLES[id], body = $('tb-' + id), search = $('q-' + id), number = $('n-' + id);
  if (!body.tHead) {
    body.append(make('thead', {}, make('tr', {}, ...columns.map(([head, , , kind], i) => {
      const button = make('button', { type: 'button' }, head);
      button.addEventListener('click', () => { spec.down = spec.sort === i ? !spec.down : false; spec.sort = i; if (now) table(id); });
      return make('th', { scope: 'col', class: kind }, button);
    }))), make('tbody'));
    body.setAttribute('aria-labelledby', id + '-title');
  }
  [...body.tHead.rows[0].cells].forEach((cell, i) => i === spec.sort ? cell.setAttribute('aria-sort', spec.down ? 'descending' : 'ascending') : cell.removeAttribute('aria-sort'));
  const all = rows(), wanted = search ? search.value.trim().toLowerCase() : '', value = columns[spec.sort][1];
  const list = all.filter(row => !wanted || columns.some(([, of]) => String(of(row) ?? '').toLowerCase().includes(wanted)));
  list.sort((a, b) => (spec.down && value(a) !== null && value(b) !== null ? -1 : 1) * collate(value(a), value(b)));
  if (number) say(number, wanted || network ? `${list.length} of ${(id === 'peers' ? now.peers : routes).length}` : String(all.length));
  const target = body.tBodies[0];
  if (list.length === 0) {
    const text = all.length === 0 ? none : 'Nothing matches.';
    target.replaceChildren(make('tr', {}, make('td', { class: 'empty', colspan: columns.length }, ...text.split('`').map((part, i) => i % 2 ? make('code', {}, part) : part))));
    return;
  }
  // Rows stay where they are, and cells change only when what they say does: focus, selection and reading go on undisturbed.
  while (target.rows.length > list.length) target.deleteRow(-1);
  list.forEach((row, i) => {
    let line = target.rows[i];
    if (!line || line.cells.length !== columns.length) {
      const fresh = make('tr', {}, ...columns.map(([, , , kind]) => make('td', { class: kind })));
      if (line) line.replaceWith(fresh); else target.append(fresh);
      line = fresh;
    }
    const name = peer ? peer(row) : null;
    if (name !== null && byPeer.has(name)) line.dataset.peer = name; else delete line.dataset.peer;
    line.classList.toggle('on', name !== null && name === chosen);
    columns.forEach(([, of, how], k) => {
      const shown = how ? how(row) : of(row), cell = line.cells[k];
      if (!(shown instanceof Node)) say(cell, String(shown));
      else if (!cell.firstChild || !cell.firstChild.isEqualNode(shown)) put(cell, shown);
    });
  });
}

function put(cell, shown) {
  const old = cell.firstElementChild;
  if (old && old.tagName === 'BUTTON' && shown.tagName === 'BUTTON') {
    say(old, shown.textContent);
    old.setAttribute('aria-pressed', shown.getAttribute('aria-pressed'));
  } else {
    cell.replaceChildren(shown);
  }
}

for (const id of ['peers', 'routes']) {
  $('q-' + id).addEventListener('input', () => { if (now) table(id); });
  $('tb-' + id).addEventListener('click', event => {
    const row = event.target.closest('tr[data-peer]');
    if (row) choose(row.dataset.peer);
  });
}

// --- the stream ---

let stream = null, wait = 1000, again = 0, hideTimer = 0, lastHeard = 0;

function connect() {
  clearTimeout(again);
  if (stream) stream.close();
  stream = new EventSource('/events');
  lastHeard = performance.now();
  stream.addEventListener('node', event => { heard(); take(JSON.parse(event.data)); });
  stream.addEventListener('routes', event => { heard(); routes = JSON.parse(event.data).routes; if (now) show(); });
  stream.addEventListener('error', () => lost());
}

function heard() {
  lastHeard = performance.now();
  wait = 1000;
  live('on', 'Live');
  $('banner').hidden = true;
  document.body.classList.remove('stale');
}

function live(state, text) {
  $('live').dataset.state = state;
  say($('live-text'), text);
}

function lost() {
  stream.close();
  stream = null;
  live('off', 'Connection lost');
  document.body.classList.toggle('stale', now !== null);
  say($('banner'), now ? 'The daemon does not answer; what is shown is old. Trying again …' : 'The daemon does not answer, or too many look at it already. Trying again …');
  $('banner').hidden = false;
  clearTimeout(again);
  again = setTimeout(connect, wait);
  wait = Math.min(wait * 2, 10000);
}

setInterval(() => { if (stream && performance.now() - lastHeard > 8000) lost(); }, 2000);

// A page that nobody sees does not keep the daemon busy.
document.addEventListener('visibilitychange', () => {
  clearTimeout(hideTimer);
  if (!document.hidden) {
    if (!stream) connect();
  } else {
    hideTimer = setTimeout(() => { clearTimeout(again); if (stream) stream.close(); stream = null; live('wait', 'Paused'); }, HIDDEN_MS);
  }
});

connect();
