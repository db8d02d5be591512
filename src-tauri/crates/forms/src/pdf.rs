//! Writes a laid out sheet as PDF/A-2a and PDF/UA-1.

use std::{
    collections::HashMap,
    num::{NonZeroU16, NonZeroU32},
};

use krilla::{
    Document, SerializeSettings,
    color::luma,
    configure::{Accessibility, Archival, ConfigurationBuilder},
    destination::XyzDestination,
    geom::{PathBuilder, Point, Rect},
    metadata::{DateTime, Metadata},
    outline::{Outline, OutlineNode},
    page::PageSettings,
    paint::{Fill, Paint, Stroke, StrokeDash},
    surface::Surface,
    tagging::{
        Artifact, ArtifactType, ContentTag, Identifier, ListNumbering, Node, SpanTag, TableHeaderScope, Tag, TagGroup,
        TagKind, TagTree,
    },
    text::KrillaGlyph,
};

use crate::{
    FormData, FormError, FormPdf, content, font,
    sheet::{Child, FOOT, FOOTER, LEFT, Mark, PAGE, Part, RIGHT, Sheet, Style},
};

const LANGUAGE: &str = "zh-CN";

/// Where each text of the sheet (page, mark) is in the tagged content.
type Identifiers = HashMap<(usize, usize), Identifier>;

/// Writes the file.
pub(crate) fn export(sheet: &Sheet, data: &FormData) -> Result<FormPdf, FormError> {
    let invalid = |error: &dyn std::fmt::Debug| FormError::Invalid(format!("{error:?}"));
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_A)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|error| invalid(&error))?;
    let mut document = Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    let mut identifiers = Identifiers::new();
    for (index, marks) in sheet.pages().iter().enumerate() {
        let settings = PageSettings::from_wh(PAGE.0, PAGE.1).ok_or_else(|| invalid(&"page size"))?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        for (number, mark) in marks.iter().enumerate() {
            if let Some(identifier) = draw(&mut surface, mark) {
                identifiers.insert((index, number), identifier);
            }
        }
        footer(&mut surface, &content::footer(data), index + 1, sheet.pages().len());
        surface.finish();
        page.finish();
    }
    document.set_outline(outline(sheet));
    document.set_tag_tree(tags(sheet, content::title(data.business), &mut identifiers));
    document.set_metadata(metadata(data));
    let bytes = document.finish().map_err(|error| invalid(&error))?;
    Ok(FormPdf { bytes, pages: sheet.pages().len() as u32 })
}

/// Draws a mark; text is tagged and gets an identifier, everything else is decoration.
fn draw(surface: &mut Surface, mark: &Mark) -> Option<Identifier> {
    if let Mark::Text { x, baseline, style, text, glyphs } = mark {
        let identifier = surface.start_tagged(ContentTag::Span(SpanTag::empty()));
        write(surface, (*x, *baseline), *style, text, glyphs);
        surface.end_tagged();
        return Some(identifier);
    }
    surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)));
    match *mark {
        Mark::Text { .. } => {}
        Mark::Shade(x, y, width, height, grey) => {
            surface.set_fill(Some(Fill { paint: luma::Color::new(grey).into(), ..Fill::default() }));
            surface.set_stroke(None);
            path(surface, |path| rectangle(path, x, y, width, height));
        }
        Mark::Rule(from, to, width) => {
            pen(surface, width, None);
            path(surface, |path| {
                path.move_to(from.0, from.1);
                path.line_to(to.0, to.1);
            });
        }
        Mark::Frame(x, y, width, height) => {
            pen(surface, 0.6, None);
            path(surface, |path| rectangle(path, x, y, width, height));
        }
        Mark::Circle(centre, radius) => {
            pen(surface, 0.5, Some(StrokeDash { array: vec![3.0, 3.0], offset: 0.0 }));
            path(surface, |path| circle(path, centre, radius));
        }
    }
    surface.end_tagged();
    None
}

fn write(surface: &mut Surface, (x, baseline): (f32, f32), style: Style, text: &str, glyphs: &[KrillaGlyph]) {
    let paint: Paint = luma::Color::new(style.grey).into();
    // The stroke that makes a text strong, over size: about what a semi-bold face adds.
    let stroke = Stroke { paint: paint.clone(), width: 0.028 * style.size, ..Stroke::default() };
    surface.set_stroke(style.strong.then_some(stroke));
    surface.set_fill(Some(Fill { paint, ..Fill::default() }));
    let spaced = |glyph: &KrillaGlyph| {
        let mut glyph = glyph.clone();
        glyph.x_advance += style.tracking / style.size;
        glyph
    };
    let glyphs: Vec<_> = glyphs.iter().map(spaced).collect();
    surface.draw_glyphs(Point::from_xy(x, baseline), &glyphs, font::font(), text, style.size, false);
}

/// Where the form comes from, and which page of how many. What is not in the font was found missing above already.
fn footer(surface: &mut Surface, left: &str, page: usize, pages: usize) {
    surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Footer)));
    let right = format!("第 {page} 页　共 {pages} 页");
    for (x, line) in [(LEFT, left), (RIGHT - FOOTER.width(&right), &right)] {
        if let Ok(glyphs) = font::glyphs(line) {
            write(surface, (x, FOOT), FOOTER, line, &glyphs);
        }
    }
    surface.end_tagged();
}

fn pen(surface: &mut Surface, width: f32, dash: Option<StrokeDash>) {
    let grey = if dash.is_some() { 0x90 } else { 0x30 };
    surface.set_fill(None);
    surface.set_stroke(Some(Stroke { paint: luma::Color::new(grey).into(), width, dash, ..Stroke::default() }));
}

fn path(surface: &mut Surface, draw: impl FnOnce(&mut PathBuilder)) {
    let mut path = PathBuilder::new();
    draw(&mut path);
    if let Some(path) = path.finish() {
        surface.draw_path(&path);
    }
}

fn rectangle(path: &mut PathBuilder, x: f32, y: f32, width: f32, height: f32) {
    if let Some(rectangle) = Rect::from_xywh(x, y, width, height) {
        path.push_rect(rectangle);
    }
}

/// Four Bézier curves; 0.5523 is the usual length of their handles for a quarter of a circle.
fn circle(path: &mut PathBuilder, (x, y): (f32, f32), r: f32) {
    let k = 0.5523 * r;
    path.move_to(x + r, y);
    path.cubic_to(x + r, y + k, x + k, y + r, x, y + r);
    path.cubic_to(x - k, y + r, x - r, y + k, x - r, y);
    path.cubic_to(x - r, y - k, x - k, y - r, x, y - r);
    path.cubic_to(x + k, y - r, x + r, y - k, x + r, y);
    path.close();
}

/// The parts of the document, each with its text.
fn tags(sheet: &Sheet, title: &str, identifiers: &mut Identifiers) -> TagTree {
    let mut tree = TagTree::new().with_lang(Some(LANGUAGE.to_owned()));
    for &root in sheet.roots() {
        tree.push(Node::Group(group(sheet, root, title, identifiers)));
    }
    tree
}

fn group(sheet: &Sheet, element: usize, title: &str, identifiers: &mut Identifiers) -> TagGroup {
    let element = &sheet.elements()[element];
    let mut group = TagGroup::new(tag(&element.part, title));
    for child in &element.children {
        match child {
            Child::Element(child) => group.push(Node::Group(self::group(sheet, *child, title, identifiers))),
            Child::Text(page, number) => {
                // Each text is in one element only, so it is taken out.
                if let Some(identifier) = identifiers.remove(&(*page, *number)) {
                    group.push(identifier);
                }
            }
        }
    }
    group
}

fn tag(part: &Part, title: &str) -> TagKind {
    match part {
        Part::Title => Tag::Hn(NonZeroU16::MIN, Some(title.to_owned())).into(),
        Part::Heading(text) => Tag::Hn(NonZeroU16::MIN.saturating_add(1), Some(text.clone())).into(),
        Part::Paragraph => Tag::P.into(),
        Part::Table => Tag::Table.into(),
        Part::Row => Tag::TR.into(),
        Part::Label => Tag::TH(TableHeaderScope::Row).into(),
        Part::Value(columns) => Tag::TD.with_col_span(NonZeroU32::new(*columns)).into(),
        Part::List => Tag::L(ListNumbering::Decimal).into(),
        Part::Item => Tag::LI.into(),
        Part::Number => Tag::Lbl.into(),
        Part::Body => Tag::LBody.into(),
    }
}

/// The headings, to jump to.
fn outline(sheet: &Sheet) -> Outline {
    let mut outline = Outline::new();
    for &root in sheet.roots() {
        let element = &sheet.elements()[root];
        let (Part::Heading(text), Some(&Child::Text(page, number))) = (&element.part, element.children.first()) else {
            continue;
        };
        if let Mark::Text { x, baseline, style, .. } = &sheet.pages()[page][number] {
            let target = XyzDestination::new(page, Point::from_xy(*x, baseline - 2.0 * style.size));
            outline.push_child(OutlineNode::new(text.clone(), target));
        }
    }
    outline
}

/// Nothing here comes from a clock or from chance, and nothing tells a person's name.
fn metadata(data: &FormData) -> Metadata {
    let date = DateTime::new(data.date.year().clamp(0, 9999) as u16)
        .month(data.date.month().into())
        .day(data.date.day())
        .hour(0)
        .minute(0)
        .second(0)
        .utc_offset_hour(8)
        .utc_offset_minute(0);
    Metadata::new()
        .title(content::title(data.business).to_owned())
        .description(format!("申请表编号：{}", data.reference))
        .language(LANGUAGE.to_owned())
        .creator("Certdesk".to_owned())
        .producer("Certdesk".to_owned())
        .creation_date(date)
}
