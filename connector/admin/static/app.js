// Everything that the pages do in the browser. No library; every change is a form or carries the session's token.
(() => {
  'use strict';
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const on = (type, selector, act) => document.addEventListener(type, event => {
    const element = event.target.closest?.(selector);
    if (element) act(event, element);
  });
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const token = () => $('meta[name=csrf-token]')?.content ?? '';
  const send = (url, body) => fetch(url, { method: 'POST', body, headers: { 'X-CSRF-Token': token(), 'X-Fragment': '1' } });
  const data = id => JSON.parse(document.getElementById(id)?.textContent ?? 'null');

  // theme
  const root = document.documentElement, dark = matchMedia('(prefers-color-scheme: dark)');
  function setTheme(choice) {
    root.dataset.themeChoice = choice;
    root.dataset.theme = choice === 'auto' ? (dark.matches ? 'dark' : 'light') : choice;
    for (const button of $$('[data-theme-set]')) button.setAttribute('aria-pressed', String(button.dataset.themeSet === choice));
    document.dispatchEvent(new CustomEvent('themechange'));
  }
  on('click', '[data-theme-set]', (_, button) => { localStorage.setItem('theme', button.dataset.themeSet); setTheme(button.dataset.themeSet); });
  dark.addEventListener('change', () => root.dataset.themeChoice === 'auto' && setTheme('auto'));
  setTheme(root.dataset.themeChoice || 'auto');

  // rows of a form that only matter while another control has a value
  const showRows = () => { for (const row of $$('[data-shown-when]')) { const [name, value] = row.dataset.shownWhen.split('='); row.hidden = $(`[name="${name}"]`, row.closest('form')).value !== value; } };
  document.addEventListener('change', showRows);
  showRows();

  // side navigation
  on('click', '[data-side-group]', (_, button) => {
    const open = button.getAttribute('aria-expanded') !== 'true';
    button.setAttribute('aria-expanded', String(open));
    document.getElementById(button.getAttribute('aria-controls')).hidden = !open;
  });
  function showSide(open) {
    document.body.classList.toggle('side-open', open);
    const button = $('[data-side-open]');
    button.setAttribute('aria-expanded', String(open));
    (open ? $('#side a') : button).focus();
  }
  on('click', '[data-side-open]', () => showSide(true));
  on('click', '[data-side-close]', () => showSide(false));

  // menus: one open at a time, closed by Escape and by a click elsewhere
  document.addEventListener('toggle', event => {
    if (event.target.matches?.('details.menu') && event.target.open) for (const menu of $$('details.menu[open]')) if (menu !== event.target) menu.open = false;
  }, true);
  document.addEventListener('click', event => {
    for (const menu of $$('details.menu[open]')) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener('keydown', event => {
    if (event.key !== 'Escape') return;
    const menu = $('details.menu[open]');
    if (menu) { menu.open = false; $('summary', menu).focus(); }
    else if (document.body.classList.contains('side-open')) showSide(false);
  });

  // questions before something happens
  const confirmBox = $('#confirm');
  function ask(text, yes, { danger = false, input = false } = {}) {
    $('#confirm-text').textContent = text;
    const button = $('[data-confirm-yes]'), field = $('#confirm-input');
    button.textContent = yes;
    button.className = `btn ${danger ? 'btn-danger' : 'btn-primary'}`;
    $('[data-confirm-input]').hidden = !input;
    field.value = '';
    confirmBox.returnValue = 'no';
    confirmBox.showModal();
    return new Promise(done => confirmBox.addEventListener('close', () => {
      const agreed = confirmBox.returnValue === 'yes';
      done(agreed && input ? field.value.trim() : agreed);
    }, { once: true }));
  }
  on('keydown', '#confirm-input', event => { if (event.key === 'Enter') { event.preventDefault(); confirmBox.close('yes'); } });
  on('submit', 'form[data-confirm]', async (event, form) => {
    event.preventDefault();
    if (await ask(form.dataset.confirm, form.dataset.confirmLabel || 'OK', { danger: 'danger' in form.dataset })) form.submit();
  });

  // dialogs: a link's page, shown without leaving
  const dialog = $('#dialog');
  async function openDialog(url, { before } = {}) {
    const answer = await fetch(url, { headers: { 'X-Fragment': '1' } });
    if (!answer.ok || answer.redirected) { location.assign(url); return; }
    const body = $('[data-dialog-body]', dialog), page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    body.replaceChildren(...page.body.childNodes);
    const heading = $('h2', body);
    if (heading) dialog.setAttribute('aria-label', heading.textContent);
    before?.(body);
    dialog.showModal();
    (body.querySelector('input:not([type=hidden]), select, textarea') ?? $('[data-dialog-close]', body))?.focus();
  }
  on('click', 'a[data-dialog]', (event, link) => { if (event.ctrlKey || event.metaKey) return; event.preventDefault(); openDialog(link.href); });
  on('click', '[data-dialog-close]', () => dialog.close());
  // beside the box closes it, but not the end of a selection that began inside, nor away from what was written
  let began = null, written = false;
  dialog?.addEventListener('pointerdown', event => { began = event.target; });
  dialog?.addEventListener('input', () => { written = true; });
  dialog?.addEventListener('close', () => { written = false; });
  dialog?.addEventListener('click', event => { if (event.target === dialog && began === dialog && !written) dialog.close(); });

  // toasts
  function toast(text, tone = 'info') {
    const close = make('button', { type: 'button', className: 'icon-btn', textContent: '×', ariaLabel: 'Dismiss' });
    close.dataset.dismiss = '';
    const box = make('div', { className: `toast toast-${tone}` }, make('div', { textContent: text }), close);
    $('#toasts').append(box);
    if (tone !== 'bad') setTimeout(() => box.remove(), 8000);
  }
  on('click', '[data-dismiss]', (_, button) => button.closest('.toast').remove());
  for (const box of $$('.toast[data-fades]')) setTimeout(() => box.remove(), 8000);

  // forms
  on('change', '.switch input', (_, input) => { const text = $('[data-switch-text]', input.closest('.switch')); if (text) text.textContent = input.checked ? 'Yes' : 'No'; });
  on('click', '[data-goto-field]', (event, link) => { const field = document.getElementById(link.hash.slice(1)); if (field) { event.preventDefault(); field.focus(); } });
  $('[data-autofocus]')?.focus();
  for (const form of $$('form[data-dirty-guard]')) {
    let dirty = false;
    form.addEventListener('input', () => { dirty = true; });
    form.addEventListener('submit', () => { dirty = false; });
    addEventListener('beforeunload', event => { if (dirty) event.preventDefault(); });
  }
  const next = $('[data-go-to]');
  if (next) location.assign(next.href);

  // lists: a selection that survives pages
  const list = $('[data-list]'), actionForm = $('#action-form');
  if (list && actionForm) {
    const narrowed = [...new URLSearchParams(location.search)].filter(([name]) => /^(flt|search)/.test(name)).sort().join('&');
    const key = `selection:${location.pathname}?${narrowed}`, total = Number(list.dataset.total), bar = $('[data-bulkbar]');
    const boxes = $$('[data-check]', list), head = $('[data-check-page]', list);
    const chosen = new Set(JSON.parse(sessionStorage.getItem(key) ?? '[]'));
    let all = false;
    const draw = () => {
      for (const box of boxes) { box.checked = all || chosen.has(box.value); box.closest('tr').classList.toggle('sel', box.checked); }
      const here = boxes.filter(box => box.checked).length, count = all ? total : chosen.size, more = $('[data-bulk-all]');
      if (head) { head.checked = here > 0 && here === boxes.length; head.indeterminate = here > 0 && here < boxes.length; }
      bar.hidden = !count;
      $('[data-bulk-count]').textContent = `${count.toLocaleString('en')} selected`;
      more.hidden = all || here < boxes.length || total <= chosen.size;
      more.textContent = `Select all ${total.toLocaleString('en')} that match`;
      sessionStorage.setItem(key, JSON.stringify([...chosen]));
    };
    list.addEventListener('change', ({ target }) => {
      if (target === head) for (const box of boxes) { if (head.checked) chosen.add(box.value); else chosen.delete(box.value); }
      else if (target.matches('[data-check]')) { if (target.checked) chosen.add(target.value); else chosen.delete(target.value); }
      else return;
      all = false;
      draw();
    });
    const fill = form => {
      form.elements.scope.value = all ? 'all' : 'ids';
      for (const name of ['account', 'expected']) if (!form.elements[name]) form.append(make('input', { type: 'hidden', name, value: actionForm.elements[name].value }));
      if (!all) for (const id of chosen) form.append(make('input', { type: 'hidden', name: 'rowid', value: id }));
    };
    on('click', '[data-bulk-all]', () => { all = true; draw(); });
    on('click', '[data-bulk-none]', () => { all = false; chosen.clear(); draw(); });
    on('click', '[data-action]', async (_, button) => {
      button.closest('details').open = false;
      const label = button.textContent.trim(), count = (all ? total : chosen.size).toLocaleString('en');
      if (button.dataset.ask) {
        const rows = all ? [] : [...chosen].slice(0, 50).map(id => `&rowid=${id}`);
        openDialog(`${button.dataset.ask}&query=${encodeURIComponent(location.search.slice(1))}${rows.join('')}`, { before: body => {
          const form = $('form', body);
          fill(form);
          form.addEventListener('submit', () => sessionStorage.removeItem(key));
          $('h2', body).append(` · ${count} selected`);
        } });
        return;
      }
      if (button.dataset.confirmText && !await ask(`${button.dataset.confirmText} ${count} selected.`, label, { danger: button.classList.contains('danger') })) return;
      actionForm.elements.action.value = button.dataset.action;
      fill(actionForm);
      sessionStorage.removeItem(key);
      actionForm.submit();
    });
    draw();
  }

  // lists: the view that is shown is seen in its row, also where the row is longer than the screen
  $('.views [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });

  // lists: saved views and columns
  on('click', '[data-save-view]', async () => {
    const name = await ask('Name of this view', 'Save', { input: true });
    if (!name) return;
    const form = $('#view-form');
    form.elements.name.value = name;
    form.elements.query.value = location.search;
    form.submit();
  });
  const columns = $('[data-columns]');
  columns?.addEventListener('change', async () => {
    const body = new URLSearchParams();
    for (const box of $$('input[type=checkbox]', columns)) {
      for (const cell of $$(`.col-${CSS.escape(box.value)}`)) cell.classList.toggle('off', !box.checked);
      if (!box.checked) body.append('hidden', box.value);
    }
    await send(columns.action, body);
  });

  // lists: filters with native controls
  const filterForm = $('#filter-form'), groups = data('filter-groups');
  if (filterForm && groups) {
    const holder = $('.filters', filterForm), apply = $('[data-apply]', filterForm);
    let number = 0;
    const dirty = () => { apply.hidden = false; filterForm.hidden = false; };
    const control = (name, kind, value, id) => {
      const field = kind.choices
        ? make('select', { className: 'control' }, ...kind.choices.map(([key, label]) => make('option', { value: key, textContent: label, selected: key === value })))
        : make('input', { className: 'control', type: kind.control, value: value ?? '', step: 'any' });
      field.name = `flt${number}_${kind.arg}`;
      field.id = id;
      field.setAttribute('aria-label', `${name} value`);
      return field;
    };
    const add = (name, arg, value) => {
      const kinds = groups[name], kind = kinds.find(k => k.arg === arg) ?? kinds[0], id = `filter-${++number}`;
      const operation = make('select', { className: 'control', ariaLabel: `${name} operation` }, ...kinds.map(k => make('option', { value: k.arg, textContent: k.label, selected: k === kind })));
      const remove = make('button', { type: 'button', className: 'icon-btn', textContent: '×', ariaLabel: `Remove filter ${name}` });
      const cell = make('div', {}, control(name, kind, value, id)), row = make('div', { className: 'filter-row' }, make('label', { htmlFor: id, textContent: name }), operation, cell, remove);
      operation.addEventListener('change', () => { cell.replaceChildren(control(name, kinds.find(k => k.arg === operation.value), cell.firstChild.value, id)); dirty(); });
      remove.addEventListener('click', () => { row.remove(); if (data('filter-active').length) filterForm.requestSubmit(); else filterForm.hidden = !holder.children.length; });
      row.addEventListener('input', dirty);
      holder.append(row);
      return cell.firstChild;
    };
    on('click', '[data-add-filter]', (_, button) => { button.closest('details').open = false; dirty(); add(button.dataset.addFilter).focus(); });
    for (const filter of data('filter-active')) add(filter.name, filter.arg, filter.value);
  }

  // times keep walking
  const distance = seconds => {
    const size = Math.abs(seconds), count = size >= 86400 ? [size / 86400, 'd'] : size >= 3600 ? [size / 3600, 'h'] : [Math.max(size / 60, 1), 'min'];
    if (size < 45) return seconds >= 0 ? 'just now' : 'in seconds';
    const text = `${Math.floor(count[0])} ${count[1]}`;
    return seconds > 0 ? `${text} ago` : `in ${text}`;
  };
  setInterval(() => { for (const time of $$('time[data-ago]')) time.textContent = distance((Date.now() - Date.parse(time.dateTime)) / 1000); }, 30000);

  // running work: what this person asked for in the top bar and as a toast when it ends, all of it on the queue's page;
  // every 2 s while something runs, every 20 s when idle, never in a hidden tab
  const chip = $('[data-live]'), board = $('[data-live-board]');
  let timer;
  function drawBoard(work) {
    const empty = $('[data-live-none]');
    if (empty) empty.hidden = work.length > 0;
    board.replaceChildren(...work.map(job => make('div', { className: 'job' },
      make('div', { className: 'job-head' }, make('strong', { textContent: job.label }), make('span', { className: 'muted num', textContent: `${job.done.toLocaleString('en')} / ${job.total.toLocaleString('en')}` })),
      make('progress', { max: job.total, value: job.done, ariaLabel: job.label }),
      make('div', { className: 'job-foot', textContent: [job.left, `${job.running} running`, `${job.failed} failed`].filter(Boolean).join(' · ') }))));
  }
  function announce(finished) {
    const told = new Set(JSON.parse(sessionStorage.getItem('told') ?? '[]'));
    for (const job of finished) {
      if (told.has(job.id)) continue;
      told.add(job.id);
      toast(`${job.label}: ${(job.done - job.failed).toLocaleString('en')} done, ${job.failed} failed.`, job.failed ? 'warn' : 'ok');
    }
    sessionStorage.setItem('told', JSON.stringify([...told].slice(-50)));
  }
  async function poll() {
    clearTimeout(timer);
    if (document.hidden) return;
    let wait = 20000;
    try {
      const seen = sessionStorage.getItem('running') ?? '';
      const answer = await fetch(`${chip.dataset.live}?seen=${encodeURIComponent(seen)}`, { headers: { Accept: 'application/json' } });
      if (answer.redirected || !answer.ok) throw new Error('signed out');
      const { work, finished } = await answer.json();
      const mine = work.filter(job => job.mine);
      if (mine.length || (board && work.length)) wait = 2000;
      const done = mine.reduce((sum, job) => sum + job.done, 0), total = mine.reduce((sum, job) => sum + job.total, 0);
      chip.hidden = !mine.length;
      $('progress', chip).value = total ? done / total : 0;
      $('[data-live-text]', chip).textContent = `${done.toLocaleString('en')} of ${total.toLocaleString('en')}`;
      if (board) drawBoard(work);
      announce(finished);
      sessionStorage.setItem('running', mine.map(job => job.id).join(','));
    } catch { wait = 15000; }
    timer = setTimeout(poll, wait);
  }
  if (chip) { document.addEventListener('visibilitychange', poll); poll(); }

  window.connector = { $, $$, make, send, data, toast, ask, token };
})();
