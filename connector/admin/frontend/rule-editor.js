// The editor of rule files and of a template's query: CodeMirror with our language, checked and completed by the server.
import { autocompletion, closeBrackets, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { HighlightStyle, StreamLanguage, bracketMatching, syntaxHighlighting } from '@codemirror/language';
import { forceLinting, lintGutter, lintKeymap, linter } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';

const KEYWORDS = new Set(
  ('segment assign on account priority where price when then otherwise round up down nearest to ending at least most test '
    + 'given variant expect fails and or not between in contains starts ends with like has any all of every is empty under '
    + 'days day since today yes no').split(' '),
);

const language = StreamLanguage.define({
  name: 'connector-rules',
  startState: () => ({}),
  token(stream) {
    if (stream.eatSpace()) return null;
    if (stream.match(/^#.*/)) return 'comment';
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return 'string';
    if (stream.match(/^\d{4}-\d\d-\d\d/) || stream.match(/^\d+(?:\.\d+)?%?/)) return 'number';
    if (stream.match(/^@\w+/)) return 'labelName';
    if (stream.match(/^(?:<=|>=|!=|[=<>*+\-/])/)) return 'operator';
    if (stream.match(/^`[^`]*`?/)) return 'propertyName';
    const word = stream.match(/^[A-Za-z_]\w*/);
    if (word) return KEYWORDS.has(word[0]) ? 'keyword' : 'propertyName';
    stream.next();
    return null;
  },
  languageData: { commentTokens: { line: '#' } },
});

// Colours are custom properties: a change of theme needs no new configuration.
const colours = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--code-keyword)', fontWeight: '600' },
  { tag: tags.string, color: 'var(--code-string)' },
  { tag: tags.number, color: 'var(--code-number)' },
  { tag: tags.comment, color: 'var(--code-comment)', fontStyle: 'italic' },
  { tag: tags.propertyName, color: 'var(--code-field)' },
  { tag: tags.labelName, color: 'var(--code-label)' },
  { tag: tags.operator, color: 'var(--text-2)' },
]);

const look = EditorView.theme({
  '&': { fontSize: '13.5px', backgroundColor: 'var(--surface)', color: 'var(--text)', height: '100%' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.65' },
  '.cm-content': { caretColor: 'var(--text)', padding: '12px 0' },
  '.cm-gutters': { backgroundColor: 'var(--surface-2)', color: 'var(--text-3)', border: 'none' },
  '.cm-activeLine': { backgroundColor: 'var(--hover)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-matchingBracket': { backgroundColor: 'var(--accent-soft) !important', outline: 'none' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--accent-soft) !important' },
  '.cm-tooltip': {
    backgroundColor: 'var(--surface)', color: 'var(--text)', border: '1px solid var(--border)', borderRadius: '8px',
    boxShadow: 'var(--shadow)', overflow: 'hidden',
  },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--on-accent)' },
  '.cm-tooltip-autocomplete > ul > li': { padding: '4px 10px !important' },
  '.cm-completionDetail': { color: 'inherit', opacity: '.75' },
  '.cm-diagnostic': { padding: '6px 10px' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--bad-dot)' },
  '.cm-diagnostic-warning': { borderLeftColor: 'var(--warn-dot)' },
});

// Typing over a selection makes the browser copy the look of the replaced text as a style attribute, which the page's
// policy refuses with a report. So the editor replaces the text by itself.
const replaceOnTyping = EditorView.domEventHandlers({
  beforeinput(event, view) {
    if (event.inputType !== 'insertText' || event.isComposing || !event.data || view.state.selection.main.empty) return false;
    if ('("`'.includes(event.data)) return false;
    event.preventDefault();
    view.dispatch(view.state.replaceSelection(event.data), { scrollIntoView: true, userEvent: 'input.type' });
    return true;
  },
});

// options: doc, nonce, label, check(text) → {problems: [{from, to, severity, message}]}, complete(word) → [{label, …}]
window.mountRuleEditor = (host, options) => {
  const view = new EditorView({
    parent: host,
    state: EditorState.create({
      doc: options.doc,
      extensions: [
        EditorView.cspNonce.of(options.nonce), replaceOnTyping, lineNumbers(), history(), drawSelection(), bracketMatching(), closeBrackets(),
        highlightActiveLine(), EditorView.lineWrapping, language, syntaxHighlighting(colours), look, lintGutter(),
        EditorView.contentAttributes.of({ 'aria-label': options.label }),
        EditorState.readOnly.of(!!options.readOnly),
        EditorView.updateListener.of(update => { if (update.docChanged) options.changed?.(update.state.doc.toString()); }),
        linter(async editor => (await options.check(editor.state.doc.toString())).problems, { delay: 350 }),
        autocompletion({
          icons: false,
          override: [async context => {
            const word = context.matchBefore(/"[^"]*|[\w@]+/);
            if (!word && !context.explicit) return null;
            const found = await options.complete(word ? word.text : '');
            return { from: word ? word.from : context.pos, options: found, validFor: /^[\w@"/ ]*$/ };
          }],
        }),
        keymap.of([...defaultKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]),
      ],
    }),
  });
  view.scrollDOM.tabIndex = 0;
  return {
    view,
    text: () => view.state.doc.toString(),
    replace(text) { view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }); },
    recheck() { forceLinting(view); },
    goTo(position) { view.dispatch({ selection: { anchor: position }, scrollIntoView: true }); view.focus(); },
  };
};
