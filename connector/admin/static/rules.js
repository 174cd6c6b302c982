// Mounts the rule editor: on the page of the rule files, and over the query box of a listing template.
(() => {
  'use strict';
  const { $, make, send, ask, data } = window.connector;
  const form = fields => new URLSearchParams(fields);
  const post = async (url, fields) => {
    const answer = await send(url, form(fields)), given = await answer.json().catch(() => ({}));
    return answer.ok && !given.error ? given : { problems: [], elsewhere: [], failure: given.error ?? 'That cannot be looked up now.' };
  };
  const complete = url => async word => (await fetch(`${url}?q=${encodeURIComponent(word)}`)).json();
  const plural = (count, word) => `${count} ${word}${count === 1 ? '' : 's'}`;

  function showSamples(samples) {
    $('[data-samples]').replaceChildren(...samples.map(product => make('li', {},
      product.picture ? make('img', { className: 'thumb', src: product.picture, alt: '', width: 36, height: 36 }) : make('span', { className: 'thumb thumb-none', textContent: product.name.slice(0, 1), ariaHidden: 'true' }),
      make('div', {}, make('strong', { textContent: product.name }), make('p', { className: 'muted' }, make('code', { textContent: product.sku }))),
      make('span', { className: 'num', textContent: product.price }))));
  }

  const host = $('#rule-editor');
  if (host) {
    const status = $('[data-check-status]'), activate = $('[data-activate]'), count = $('[data-match-count]'), note = $('[data-match-note]');
    const name = host.dataset.file, before = data('rule-doc');
    let timer, editor, last = '', asked = 0;
    const check = async text => {
      const mine = ++asked, answer = await post(host.dataset.check, { file: name, text });
      if (mine !== asked) return answer; // a later text was asked about meanwhile: its answer is the one to show
      if (answer.failure) { status.className = 'editor-foot bad'; status.textContent = answer.failure; if (activate) activate.disabled = true; return answer; }
      const first = answer.problems[0] ?? answer.elsewhere[0];
      status.className = `editor-foot ${answer.errors ? 'bad' : 'ok'}`;
      status.textContent = first ? `${plural(answer.problems.length + answer.elsewhere.length, 'problem')}: ${first.file !== name ? `${first.file}: ` : ''}line ${first.line}: ${first.message}` : 'No problems.';
      if (activate) activate.disabled = answer.errors > 0 || (text === before && !!before);
      return answer;
    };
    // The condition of the assignment that the cursor stands in: from its `where` to the next definition.
    const condition = () => {
      const text = editor.text(), at = editor.view.state.selection.main.head;
      const starts = [...text.matchAll(/^(?:assign|segment|price|test)\b/gm)].map(match => match.index);
      const inside = starts.filter(index => index <= at).pop();
      const start = inside !== undefined && text.startsWith('assign', inside) ? inside : starts.find(index => text.startsWith('assign', index));
      if (start === undefined) return null;
      const body = text.slice(start, starts.find(index => index > start) ?? text.length), where = body.search(/\bwhere\b/);
      return where < 0 ? null : { title: body.match(/"((?:[^"\\]|\\.)*)"/)?.[1] ?? '', text: body.slice(where + 5).replace(/#.*$/gm, '').trim() };
    };
    const match = async () => {
      const found = condition();
      const text = editor.text(), key = found?.text.includes('@') ? `${found.text}\n${text}` : found?.text;
      if (!key || key === last) return;
      last = key;
      const answer = await post(host.dataset.match, { condition: found.text, file: name, text, store: $('[data-match-store]')?.value ?? '' });
      if (key !== last) return;
      if (answer.failure) { note.textContent = answer.failure; return; }
      if (answer.problems?.some(problem => problem.severity === 'error')) { note.textContent = `“${found.title}” is counted when the rules have no problems.`; return; }
      count.textContent = answer.count?.toLocaleString('en') ?? '–';
      note.textContent = `products match “${found.title}” now`;
      showSamples(answer.samples ?? []);
    };
    editor = window.mountRuleEditor(host, {
      doc: before, nonce: host.dataset.nonce, label: 'Rule text', readOnly: 'readOnly' in host.dataset, check, complete: complete(host.dataset.complete),
    });
    const soon = () => { clearTimeout(timer); timer = setTimeout(match, 500); };
    host.addEventListener('keyup', soon);
    host.addEventListener('click', soon);
    soon();
    const preview = $('[data-preview]');
    preview?.addEventListener('click', () => {
      const target = $('#rules-form');
      target.elements.text.value = editor.text();
      target.action = preview.dataset.preview;
      target.submit();
    });
    activate?.addEventListener('click', async () => {
      const why = await ask('What changes, in a few words? The new version becomes active at once.', 'Save and activate', { input: true });
      if (why === false) return;
      const target = $('#rules-form');
      target.elements.text.value = editor.text();
      target.elements.note.value = why;
      target.submit();
    });
  }

  const query = $('[data-query]');
  if (query) {
    const area = $('textarea[name=query]'), account = $('select[name=account]'), result = $('[data-query-result]'), count = $('[data-match-count]');
    const small = make('div', { className: 'editor-small' });
    area.before(small);
    area.hidden = true;
    small.closest('.f-control').append(result);
    window.mountRuleEditor(small, {
      doc: area.value, nonce: query.dataset.nonce, label: 'Query', complete: complete(query.dataset.complete),
      changed: text => { area.value = text; area.dispatchEvent(new Event('input', { bubbles: true })); },
      check: async text => {
        if (!text.trim()) { result.hidden = true; return { problems: [] }; }
        const answer = await post(query.dataset.match, { account: account.value, text });
        if (answer.failure) said.textContent = answer.failure;
        else if (!answer.problems.length) { result.hidden = false; count.textContent = answer.count.toLocaleString('en'); showSamples(answer.samples); }
        return answer;
      },
    });
    const apply = make('button', { type: 'button', className: 'btn btn-secondary btn-sm', textContent: 'Apply Query' });
    const said = make('span', { className: 'muted', role: 'status' });
    result.before(make('div', { className: 'apply' }, apply, said));
    apply.addEventListener('click', async () => {
      if (!area.value.trim()) { said.textContent = 'There is no query: only rules and pins bring products.'; return; }
      const answer = await post(query.dataset.match, { account: account.value, text: area.value }), first = answer.problems[0];
      result.hidden = Boolean(first || answer.failure);
      said.textContent = answer.failure ? answer.failure : first ? `Line ${first.line}: ${first.message}` : `${plural(answer.count, 'product')} would join.`;
      if (!result.hidden) { count.textContent = answer.count.toLocaleString('en'); showSamples(answer.samples); }
    });
    // Boxes that offer what the server knows; without a script they take the same text.
    const offer = (field, list, url) => {
      let timer, asked = 0;
      field.setAttribute('list', list.id);
      field.setAttribute('autocomplete', 'off');
      field.addEventListener('input', () => {
        clearTimeout(timer);
        timer = setTimeout(async () => {
          const mine = ++asked, answer = await fetch(url(encodeURIComponent(field.value.replace(/\[\d+\]\s*$/, ''))));
          if (mine === asked && answer.ok) list.replaceChildren(...found(await answer.json(), field).map(value => make('option', { value })));
        }, 250);
      });
    };
    const found = (answer, field) => {
      const hint = $('[data-failure]', field.parentNode) ?? make('div', { className: 'f-help', role: 'status' });
      hint.dataset.failure = '';
      hint.textContent = answer.failure ?? '';
      field.after(hint);
      return answer.failure ? [] : answer.brands ?? answer;
    };
    const category = $('input[name=category]');
    offer(category, $('#categories'), words => `${query.dataset.categories}?account=${account.value}&q=${words}`);
    offer($('input[name=brand]'), $('#brands'), words => `${query.dataset.brands}?account=${account.value}&category=${encodeURIComponent(category.value)}&q=${words}`);
  }
})();
