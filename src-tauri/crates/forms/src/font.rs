//! Glyphs: whether the font has a character, and how wide it is.
//!
//! Chinese, Latin and digits need no shaping: one character, one glyph. Scripts that do are not in our font, so their
//! characters are reported as missing rather than drawn wrongly.

use std::sync::OnceLock;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::{
    FontRef, MetadataProvider,
    charmap::Charmap,
    instance::{LocationRef, Size},
    metrics::GlyphMetrics,
};

/// Packed, for two programs of a package carry it: 4.6 MiB in place of 10.1 in each.
static PACKED: &[u8] = include_bytes!("../fonts/NotoSansSC-Regular.ttf.br");

struct Face {
    font: Font,
    characters: Charmap<'static>,
    metrics: GlyphMetrics<'static>,
    units_per_em: f32,
}

/// The font as the PDF writer takes it.
pub(crate) fn font() -> Font {
    face().font.clone()
}

/// The glyphs of a text, or the characters that the font does not have, each once.
pub(crate) fn glyphs(text: &str) -> Result<Vec<KrillaGlyph>, Vec<char>> {
    let mut glyphs = Vec::new();
    let mut missing = Vec::new();
    for (start, c) in text.char_indices() {
        match glyph(c) {
            Some((id, width)) => {
                glyphs.push(KrillaGlyph::new(id, width, 0.0, 0.0, 0.0, start..start + c.len_utf8(), None));
            }
            None if missing.contains(&c) => {}
            None => missing.push(c),
        }
    }
    if missing.is_empty() { Ok(glyphs) } else { Err(missing) }
}

/// Width of a text in em. What cannot be drawn counts as one: it will be reported when it is to be drawn.
pub(crate) fn width(text: &str) -> f32 {
    text.chars().map(|c| glyph(c).map_or(1.0, |(_, width)| width)).sum()
}

fn glyph(c: char) -> Option<(GlyphId, f32)> {
    let face = face();
    let id = face.characters.map(c).filter(|id| id.to_u32() != 0)?;
    Some((GlyphId::new(id.to_u32()), face.metrics.advance_width(id)? / face.units_per_em))
}

/// Unpacked and read once, with the first form.
fn face() -> &'static Face {
    static FACE: OnceLock<Face> = OnceLock::new();
    FACE.get_or_init(|| {
        let file: &'static [u8] = unpacked().leak();
        let font = FontRef::new(file).expect("built in, and read by a test");
        Face {
            font: Font::new(file.into(), 0).expect("built in, and read by a test"),
            characters: font.charmap(),
            metrics: font.glyph_metrics(Size::unscaled(), LocationRef::default()),
            units_per_em: f32::from(font.metrics(Size::unscaled(), LocationRef::default()).units_per_em),
        }
    })
}

fn unpacked() -> Vec<u8> {
    let mut file = Vec::new();
    brotli_decompressor::BrotliDecompress(&mut { PACKED }, &mut file).expect("built in, and read by a test");
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_is_the_published_one() {
        let digest = ring::digest::digest(&ring::digest::SHA256, &unpacked());
        let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            digest, "d45f67f0a7c0ca3f256950777ce6a61cc7ce5f9696d02900cbbaac25f8aa7d16",
            "what is unpacked differs from the file that fonts/README.md names"
        );
    }

    #[test]
    fn rare_characters_of_the_standard_list_are_there() {
        let rare = "䶮𬱖㛃·（）“”✓□";
        assert_eq!(
            glyphs(rare).map(|glyphs| glyphs.len()),
            Ok(rare.chars().count()),
            "each is drawn by a glyph of its own"
        );
        assert_eq!(glyphs("𠮷野𠮷🚀").err(), Some(vec!['𠮷', '🚀']), "what cannot be drawn is named once");
    }
}
