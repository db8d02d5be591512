//! Paper: where everything stands, on which page, and what part of the document it is.
//!
//! Measures are points (1/72 inch) from the top left corner of the page.

use krilla::text::KrillaGlyph;

use crate::font;

/// A4.
pub(crate) const PAGE: (f32, f32) = (595.28, 841.89);
pub(crate) const LEFT: f32 = 54.0;
pub(crate) const RIGHT: f32 = PAGE.0 - LEFT;
const TOP: f32 = 46.0;
const BOTTOM: f32 = PAGE.1 - 52.0;
/// Baseline of the footer.
pub(crate) const FOOT: f32 = PAGE.1 - 30.0;

const LABEL_WIDTH: f32 = 88.0;
const ROW_MIN: f32 = 27.0;
/// Line height over size of type.
const LEADING: f32 = 1.45;
/// A line of type stands in the middle of its height when its baseline is this far below the middle, over size:
/// half of what a Chinese character reaches above the baseline less what it reaches below.
const BASELINE: f32 = 0.36;

const SHADE: u8 = 0xF2;
/// Width of the lines of a table.
const RULE: f32 = 0.6;

const TITLE: Style = Style { size: 22.0, grey: 0x10, strong: true, tracking: 3.0 };
const HEADING: Style = Style { size: 11.5, grey: 0x10, strong: true, tracking: 0.0 };
const VALUE: Style = Style { size: 10.5, grey: 0x10, strong: false, tracking: 0.0 };
const TICKED: Style = Style { strong: true, ..VALUE };
const LABEL: Style = Style { size: 9.5, grey: 0x40, ..VALUE };
const CLAUSE: Style = Style { size: 9.5, ..VALUE };
const SIGNED: Style = Style { size: 10.0, ..VALUE };
const MASTHEAD: Style = Style { size: 9.0, grey: 0x40, ..VALUE };
const NOTE: Style = Style { size: 8.5, grey: 0x40, ..VALUE };
const SEAL_HINT: Style = Style { size: 9.0, grey: 0x70, ..VALUE };
/// Of the footer.
pub(crate) const FOOTER: Style = Style { size: 8.0, grey: 0x60, ..VALUE };

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// Size of type.
    pub(crate) size: f32,
    /// 0 is black.
    pub(crate) grey: u8,
    /// Drawn with a stroke around its outlines.
    pub(crate) strong: bool,
    /// Extra space after each character.
    pub(crate) tracking: f32,
}

impl Style {
    /// Width of a text in it.
    pub(crate) fn width(self, text: &str) -> f32 {
        font::width(text) * self.size + text.chars().count() as f32 * self.tracking
    }
}

/// A laid out document.
pub(crate) struct Sheet {
    pages: Vec<Vec<Mark>>,
    elements: Vec<Element>,
    roots: Vec<usize>,
    missing: Vec<char>,
    y: f32,
}

/// Something on a page.
pub(crate) enum Mark {
    /// A line of text.
    Text { x: f32, baseline: f32, style: Style, text: String, glyphs: Vec<KrillaGlyph> },
    /// A filled rectangle: x, y, width, height, grey.
    Shade(f32, f32, f32, f32, u8),
    /// A straight line from (x, y) to (x, y), and its width.
    Rule((f32, f32), (f32, f32), f32),
    /// The outline of a rectangle: x, y, width, height.
    Frame(f32, f32, f32, f32),
    /// A dashed circle: centre and radius.
    Circle((f32, f32), f32),
}

/// A part of the document, as a screen reader walks through it.
pub(crate) struct Element {
    pub(crate) part: Part,
    pub(crate) children: Vec<Child>,
}

/// What an element is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Title,
    Heading(String),
    Paragraph,
    Table,
    Row,
    Label,
    /// With the number of columns it spans.
    Value(u32),
    List,
    Item,
    Number,
    Body,
}

/// What is in an element.
#[derive(Clone, Copy)]
pub(crate) enum Child {
    Element(usize),
    /// Page, and number of the mark on it.
    Text(usize, usize),
}

/// What stands in a table beside its label.
#[derive(Clone)]
pub(crate) enum Cell {
    Text(String),
    /// Boxes, ticked or not.
    Choice(Vec<(bool, &'static str)>),
}

impl Cell {
    /// What is empty gets a dash: nobody shall wonder whether something is missing.
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(if text.trim().is_empty() { "—".to_owned() } else { text.to_owned() })
    }
}

/// The places to sign.
pub(crate) struct Signature {
    /// What to write on each line; one for the date follows.
    pub(crate) lines: Vec<String>,
    /// Beside them, the place of a unit's seal.
    pub(crate) seal: Option<&'static str>,
}

impl Sheet {
    pub(crate) fn new() -> Self {
        Self { pages: vec![Vec::new()], elements: Vec::new(), roots: Vec::new(), missing: Vec::new(), y: TOP }
    }

    pub(crate) fn pages(&self) -> &[Vec<Mark>] {
        &self.pages
    }

    /// All parts; roots and children are numbers of this list.
    pub(crate) fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// The parts that are in no other, in reading order.
    pub(crate) fn roots(&self) -> &[usize] {
        &self.roots
    }

    /// Characters that no face has.
    pub(crate) fn missing(&self) -> &[char] {
        &self.missing
    }

    /// Who it is for, and its number, above the title.
    pub(crate) fn masthead(&mut self, left: &str, right: &str) {
        let leading = MASTHEAD.size * LEADING;
        let x = RIGHT - MASTHEAD.width(right);
        let lines = break_lines(left, x - LEFT - 24.0, MASTHEAD.size);
        let first = self.y + MASTHEAD.size;
        let paragraph = self.element(None, Part::Paragraph);
        for (i, line) in lines.iter().enumerate() {
            self.line(paragraph, LEFT, first + i as f32 * leading, MASTHEAD, line);
        }
        let paragraph = self.element(None, Part::Paragraph);
        self.line(paragraph, x, first, MASTHEAD, right);
        self.y = first + (lines.len() as f32 - 1.0) * leading + 7.0;
        self.mark(Mark::Rule((LEFT, self.y), (RIGHT, self.y), 1.2));
        self.y += 2.2;
        self.mark(Mark::Rule((LEFT, self.y), (RIGHT, self.y), 0.4));
    }

    /// The title, centred and spaced.
    pub(crate) fn title(&mut self, text: &str) {
        let title = self.element(None, Part::Title);
        self.y += 42.0;
        self.line(title, (PAGE.0 - TITLE.width(text) + TITLE.tracking) / 2.0, self.y, TITLE, text);
        self.y += 11.0;
    }

    /// Goes on to a new page if less than this is left of the page: what is signed stands above the signature.
    pub(crate) fn keep_together(&mut self, height: f32) {
        self.room(height);
    }

    /// A heading that stays with what follows.
    pub(crate) fn heading(&mut self, text: &str) {
        self.room(32.0 + 2.0 * ROW_MIN);
        let heading = self.element(None, Part::Heading(text.to_owned()));
        self.y += 24.0;
        self.line(heading, LEFT, self.y, HEADING, text);
        self.y += 7.5;
    }

    /// Rows of one or two pairs of label and value. A row is never split between pages.
    pub(crate) fn table(&mut self, rows: &[Vec<(&str, Cell)>]) {
        const PAD: f32 = 7.0;
        let table = self.element(None, Part::Table);
        for row in rows {
            let pair = (RIGHT - LEFT) / row.len() as f32;
            let labels: Vec<_> =
                row.iter().map(|(label, _)| break_lines(label, LABEL_WIDTH - 10.0, LABEL.size)).collect();
            let values: Vec<_> = row.iter().map(|(_, cell)| cell_lines(cell, pair - LABEL_WIDTH - 2.0 * PAD)).collect();
            let most = labels.iter().map(Vec::len).chain(values.iter().map(Vec::len)).max().unwrap_or(1);
            let height = ROW_MIN.max(most as f32 * VALUE.size * LEADING + 12.0);
            self.room(height);
            let (top, bottom) = (self.y, self.y + height);
            for i in 0..row.len() {
                self.mark(Mark::Shade(LEFT + i as f32 * pair, top, LABEL_WIDTH, height, SHADE));
            }
            // Over the shade, which would cover half of it.
            self.mark(Mark::Rule((LEFT - RULE / 2.0, top), (RIGHT + RULE / 2.0, top), RULE));
            self.mark(Mark::Rule((LEFT - RULE / 2.0, bottom), (RIGHT + RULE / 2.0, bottom), RULE));
            for i in 0..row.len() {
                let x = LEFT + i as f32 * pair;
                self.mark(Mark::Rule((x, top), (x, bottom), RULE));
                self.mark(Mark::Rule((x + LABEL_WIDTH, top), (x + LABEL_WIDTH, bottom), RULE));
            }
            self.mark(Mark::Rule((RIGHT, top), (RIGHT, bottom), RULE));

            let tr = self.element(Some(table), Part::Row);
            for (i, (_, cell)) in row.iter().enumerate() {
                let x = LEFT + i as f32 * pair;
                let th = self.element(Some(tr), Part::Label);
                for (line, baseline) in in_the_middle(&labels[i], top, bottom, LABEL.size) {
                    self.line(th, x + (LABEL_WIDTH - LABEL.width(line)) / 2.0, baseline, LABEL, line);
                }
                let td = self.element(Some(tr), Part::Value(if row.len() == 1 { 3 } else { 1 }));
                let x = x + LABEL_WIDTH + PAD;
                match cell {
                    Cell::Text(_) => {
                        for (line, baseline) in in_the_middle(&values[i], top, bottom, VALUE.size) {
                            self.line(td, x, baseline, VALUE, line);
                        }
                    }
                    Cell::Choice(choices) => {
                        let baseline = (top + bottom) / 2.0 + BASELINE * VALUE.size;
                        self.choices(td, x, baseline, choices);
                    }
                }
            }
            self.y = bottom;
        }
    }

    /// Numbered sentences.
    pub(crate) fn list(&mut self, items: &[String]) {
        const INDENT: f32 = 16.0;
        let leading = CLAUSE.size * 1.55;
        let list = self.element(None, Part::List);
        for (i, item) in items.iter().enumerate() {
            let lines = break_lines(item, RIGHT - LEFT - INDENT, CLAUSE.size);
            self.room(lines.len() as f32 * leading);
            let element = self.element(Some(list), Part::Item);
            let number = self.element(Some(element), Part::Number);
            let body = self.element(Some(element), Part::Body);
            let first = self.y + CLAUSE.size * 1.15;
            self.line(number, LEFT + 2.0, first, CLAUSE, &format!("{}.", i + 1));
            for (n, line) in lines.iter().enumerate() {
                self.line(body, LEFT + INDENT, first + n as f32 * leading, CLAUSE, line);
            }
            self.y += lines.len() as f32 * leading + 1.5;
        }
    }

    /// The places to sign and to stamp, kept together on one page.
    pub(crate) fn signatures(&mut self, signature: &Signature) {
        /// 公章 are up to 45 mm wide.
        const SEAL: f32 = 62.0;
        let (height, right) = match signature.seal {
            Some(_) => (2.0 * SEAL + 16.0, RIGHT - 2.0 * SEAL - 60.0),
            None => (88.0, RIGHT),
        };
        self.y += 9.0;
        self.room(height);
        let (left, top) = (LEFT + 14.0, self.y);
        self.mark(Mark::Frame(LEFT, top, RIGHT - LEFT, height));
        let step = height / (signature.lines.len() + 1) as f32;
        let mut baseline = top + step / 2.0 + 5.0;
        for label in &signature.lines {
            let paragraph = self.element(None, Part::Paragraph);
            let label = format!("{label}：");
            self.line(paragraph, left, baseline, SIGNED, &label);
            let x = left + SIGNED.width(&label);
            self.mark(Mark::Rule((x, baseline + 3.0), ((right - 16.0).min(left + 290.0), baseline + 3.0), 0.5));
            baseline += step;
        }
        let paragraph = self.element(None, Part::Paragraph);
        self.line(paragraph, left, baseline, SIGNED, "日期：");
        // Room to write before each.
        let mut x = left + SIGNED.width("日期：");
        for (room, unit) in [(40.0, "年"), (28.0, "月"), (28.0, "日")] {
            self.mark(Mark::Rule((x, baseline + 3.0), (x + room, baseline + 3.0), 0.5));
            self.line(paragraph, x + room + 2.0, baseline, SIGNED, unit);
            x += room + SIGNED.size + 6.0;
        }
        if let Some(seal) = signature.seal {
            self.mark(Mark::Rule((right, top), (right, top + height), RULE));
            let centre = ((right + RIGHT) / 2.0, top + height / 2.0);
            self.mark(Mark::Circle(centre, SEAL));
            let paragraph = self.element(None, Part::Paragraph);
            self.line(paragraph, centre.0 - SEAL_HINT.width(seal) / 2.0, centre.1 + 3.2, SEAL_HINT, seal);
        }
        self.y = top + height;
    }

    /// Small print.
    pub(crate) fn note(&mut self, text: &str) {
        let leading = NOTE.size * LEADING;
        let lines = break_lines(text, RIGHT - LEFT, NOTE.size);
        self.room(lines.len() as f32 * leading + 5.0);
        self.y += 5.0;
        let paragraph = self.element(None, Part::Paragraph);
        for line in &lines {
            self.y += leading;
            self.line(paragraph, LEFT, self.y - 1.0, NOTE, line);
        }
    }

    /// Boxes with a tick in those that are meant. The box of a ticked one is decoration: what is read is the tick.
    fn choices(&mut self, cell: usize, mut x: f32, baseline: f32, choices: &[(bool, &str)]) {
        let em = VALUE.size;
        for &(ticked, name) in choices {
            if ticked {
                // The same square as the glyph □ has.
                self.mark(Mark::Frame(x + 0.1 * em, baseline - 0.78 * em, 0.8 * em, 0.8 * em));
                self.line(cell, x + 0.17 * em, baseline + 0.1, VALUE, "✓ ");
            } else {
                self.line(cell, x, baseline, VALUE, "□ ");
            }
            let style = if ticked { TICKED } else { VALUE };
            self.line(cell, x + 1.3 * em, baseline, style, &format!("{name} "));
            x += style.width(name) + 3.2 * em;
        }
    }

    /// Makes sure of so much room, on a new page if need be.
    fn room(&mut self, height: f32) {
        if self.y + height > BOTTOM {
            self.pages.push(Vec::new());
            self.y = TOP + 10.0;
        }
    }

    fn element(&mut self, parent: Option<usize>, part: Part) -> usize {
        self.elements.push(Element { part, children: Vec::new() });
        let element = self.elements.len() - 1;
        match parent {
            Some(parent) => self.elements[parent].children.push(Child::Element(element)),
            None => self.roots.push(element),
        }
        element
    }

    /// Puts a line of text into an element.
    fn line(&mut self, element: usize, x: f32, baseline: f32, style: Style, text: &str) {
        match font::glyphs(text) {
            Ok(glyphs) if glyphs.is_empty() => {}
            Ok(glyphs) => {
                self.mark(Mark::Text { x, baseline, style, text: text.to_owned(), glyphs });
                let page = self.pages.len() - 1;
                self.elements[element].children.push(Child::Text(page, self.pages[page].len() - 1));
            }
            Err(missing) => {
                for c in missing {
                    if !self.missing.contains(&c) {
                        self.missing.push(c);
                    }
                }
            }
        }
    }

    fn mark(&mut self, mark: Mark) {
        let last = self.pages.len() - 1;
        self.pages[last].push(mark);
    }
}

fn cell_lines(cell: &Cell, width: f32) -> Vec<String> {
    match cell {
        Cell::Text(text) => break_lines(text, width, VALUE.size),
        Cell::Choice(_) => vec![String::new()],
    }
}

/// Lines with their baselines, so that they stand in the middle between top and bottom.
fn in_the_middle(lines: &[String], top: f32, bottom: f32, size: f32) -> impl Iterator<Item = (&str, f32)> {
    let height = size * LEADING;
    let first = (top + bottom - height * (lines.len() as f32 - 1.0)) / 2.0 + BASELINE * size;
    lines.iter().enumerate().map(move |(i, line)| (line.as_str(), first + i as f32 * height))
}

/// Breaks a text into lines that fit: between Chinese characters, after spaces, and anywhere in a word
/// that is wider than the line by itself. No line begins with closing or ends with opening punctuation (GB/T 15834).
fn break_lines(text: &str, width: f32, size: f32) -> Vec<String> {
    let limit = width / size;
    let mut lines = Vec::new();
    // The line so far, its width, and where it may be broken: bytes of the line, width up to there.
    let (mut line, mut used, mut chance) = (String::new(), 0.0f32, None::<(usize, f32)>);
    let mut last = None;
    for c in text.chars() {
        // A line end that was typed is a space here.
        let c = if c.is_whitespace() { ' ' } else { c };
        if last.is_some_and(|last| may_break(last, c)) {
            chance = Some((line.len(), used));
        }
        let advance = font::width(c.encode_utf8(&mut [0; 4]));
        // A space at the end of a line does no harm beyond the margin.
        while used + advance > limit && c != ' ' && !line.is_empty() {
            let (at, before) = chance.take().unwrap_or((line.len(), used));
            let rest = line.split_off(at);
            lines.push(std::mem::replace(&mut line, rest));
            used -= before;
        }
        line.push(c);
        used += advance;
        last = Some(c);
    }
    lines.push(line);
    lines
}

fn may_break(before: char, after: char) -> bool {
    if "）》」』】〕〉”’、，。．；：！？·%‰,.;:!?)]}".contains(after)
        || after == ' '
        || "（《「『【〔〈“‘([{".contains(before)
    {
        return false;
    }
    let wide = |c: char| c >= '\u{2E80}';
    // Not after a hyphen: readers take one at the end of a line for their own and drop it.
    before == ' ' || wide(before) || wide(after) || before == '/'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn broken(text: &str, ems: f32) -> Vec<String> {
        break_lines(text, ems * 10.0, 10.0)
    }

    #[test]
    fn chinese_breaks_anywhere_but_at_punctuation() {
        assert_eq!(broken("福州云帆测试科技", 4.0), ["福州云帆", "测试科技"]);
        assert_eq!(broken("福州云帆，测试", 4.0), ["福州云", "帆，测试"], "no line begins with a comma");
        assert_eq!(broken("福州云（测试）", 4.0), ["福州云", "（测试）"], "no line ends with an opening bracket");
        assert_eq!(broken("", 4.0), [""]);
    }

    #[test]
    fn words_stay_whole_where_they_can() {
        assert_eq!(broken("Jean Pierre de la Tour", 6.0), ["Jean Pierre ", "de la Tour"]);
        let lines = broken("Donaudampfschifffahrtsgesellschaft", 6.0);
        assert!(lines.len() > 2, "a word wider than the line is broken: {lines:?}");
    }

    proptest! {
        #[test]
        fn no_character_is_lost_and_no_line_too_wide(text in "[福州云帆，。（）“”a-zA-Z0-9 @.-]{0,200}", ems in 2.0f32..20.0) {
            let lines = broken(&text, ems);
            prop_assert_eq!(lines.concat(), text);
            for line in lines {
                prop_assert!(font::width(line.trim_end()) <= ems + 0.01, "{} is wider than {}", line, ems);
            }
        }
    }
}
