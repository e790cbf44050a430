import { describe, expect, it } from 'vitest';
import { type DocumentFields, readDocument } from './document.ts';

describe('readDocument', () => {
  it.each<[string, DocumentFields, string, string]>([
    ['a quoted title', { contents: '"A b"\nc\nd' }, 'A b', 'c\nd'],
    ['a bare title', { contents: 'A b\r\nc\r\n' }, 'A b', 'c\r\n'],
    ['quotes doubled as in CSV', { contents: '"""A"" b"\nc' }, '"A" b', 'c'],
    ['quotes as they are', { contents: '""A" b"\nc' }, '"A" b', 'c'],
    ['a quoted title alone', { contents: '"A b"' }, 'A b', ''],
    ['a bare line alone', { contents: 'A b' }, '', 'A b'],
    ['a text alone', { text: '"A"\nb' }, '', '"A"\nb'],
    ['nothing', { contents: '' }, '', ''],
    ['another title with contents', { title: 'T', contents: 'A b\nc' }, 'T', 'A b\nc'],
    ['another title with quoted contents', { title: 'T', contents: '"A b"\nc' }, 'T', '"A b"\nc'],
    ['the same title with contents', { title: 'A b', contents: '"A b"\nc\nd' }, 'A b', 'c\nd'],
    ['the same title with bare contents', { title: 'A b', contents: 'A b \r\nc' }, 'A b', 'c'],
    ['the same title in CSV quotes', { title: 'A "b"', contents: '"A ""b"""\nc' }, 'A "b"', 'c'],
    ['the same title, quoted itself', { title: '"A b"', contents: '"A b"\nc' }, '"A b"', 'c'],
    ['the same title and nothing else', { title: 'A b', contents: '"A b"' }, 'A b', ''],
    ['one line that is the title', { title: 'A b', text: 'A b' }, 'A b', 'A b'],
    ['a title with a text', { title: 'T', text: 'A b\nc' }, 'T', 'A b\nc'],
    ['a title that the text repeats', { title: 'T', text: 'T\nA b' }, 'T', 'A b'],
    ['a title that begins the text', { title: 'T', text: 'T is\nA b' }, 'T', 'T is\nA b'],
    ['all three', { title: 'T', text: 'x', contents: '"A"\ny' }, 'T', 'x'],
    ['text, and a title in contents', { text: 'x', contents: '"A"\nx' }, 'A', 'x'],
    ['a blank text', { title: 'T', text: ' ', contents: '"T"\nx' }, 'T', 'x'],
    ['a blank title', { title: ' ', contents: '"T"\nx' }, 'T', 'x'],
    ['nulls', { title: null, text: null, contents: '"T"\nx' }, 'T', 'x'],
  ])('reads %s', (_name, fields, title, text) => {
    expect(readDocument(fields)).toEqual({ title, text });
  });
});
