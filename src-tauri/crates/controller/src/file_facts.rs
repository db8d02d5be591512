//! What can be told of a picked file without reading it: kind, size, pixels, length.
//!
//! Reads some headers and seeks over the rest, so a video of any size costs a few kilobytes. The bytes are a stranger's:
//! every walk is bounded in steps, every offset in the file. What cannot be told is `None`; only a file that cannot be
//! read at all is an error.

use std::{
    fs::{self, File},
    io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom},
    path::Path,
};

use certdesk_domain::FileKind;
use certdesk_portal::FileGuard;

/// Most parts (segments, boxes, elements) that are looked at in one file.
const MAX_PARTS: u32 = 20_000;

/// What is told of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// Kind by its first bytes; `None`: none that we take.
    pub kind: Option<FileKind>,
    /// Size, bytes.
    pub bytes: u64,
    /// Time of its last change, nanoseconds since 1970 UTC; 0 where the file system keeps none.
    pub modified_ns: i64,
    /// Width and height as shown, pixels, of a picture or video.
    pub pixels: Option<(u32, u32)>,
    /// Length of a video, milliseconds.
    pub duration_ms: Option<u64>,
}

/// Looks at a file.
///
/// # Errors
/// Those of opening and reading; [`ErrorKind::InvalidInput`] for what is no file (a folder, a pipe).
pub fn facts(path: &Path) -> io::Result<FileFacts> {
    // Opening a pipe would wait for its other end.
    if !fs::metadata(path)?.is_file() {
        return Err(ErrorKind::InvalidInput.into());
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let modified_ns = FileGuard::from(&metadata).modified_ns;
    let mut reader = Reader { inner: BufReader::new(file), length: metadata.len(), parts: 0 };
    let (kind, media) = look(&mut reader)?;
    Ok(FileFacts { kind, bytes: metadata.len(), modified_ns, pixels: media.pixels, duration_ms: media.duration_ms })
}

/// What the headers of a picture or video say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Media {
    pixels: Option<(u32, u32)>,
    duration_ms: Option<u64>,
}

fn look<R: Read + Seek>(reader: &mut Reader<R>) -> io::Result<(Option<FileKind>, Media)> {
    let mut head = Vec::with_capacity(FileKind::SNIFF_BYTES);
    reader.inner.by_ref().take(FileKind::SNIFF_BYTES as u64).read_to_end(&mut head)?;
    let kind = FileKind::sniff(&head);
    let mut media = Media::default();
    let walked = match kind {
        Some(FileKind::Png) => png(reader, &mut media),
        Some(FileKind::Jpeg) => jpeg(reader, &mut media),
        Some(FileKind::Mp4) => mp4(reader, &mut media),
        Some(FileKind::Webm) => webm(reader, &mut media),
        Some(FileKind::Pdf) | None => Ok(()),
    };
    match walked {
        // Cut short, or nonsense: what was found up to there stands.
        Err(error) if !matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::InvalidData) => Err(error),
        _ => Ok((kind, media)),
    }
}

/// PNG (RFC 2083): the first chunk, IHDR, has the size.
fn png<R: Read + Seek>(reader: &mut Reader<R>, media: &mut Media) -> io::Result<()> {
    let header: [u8; 16] = reader.at(8)?;
    if &header[4..8] == b"IHDR" {
        media.pixels = size(be32(&header[8..]), be32(&header[12..]));
    }
    Ok(())
}

/// JPEG (ITU-T T.81 annex B): segments up to the frame header. A camera that was held upright says so in Exif.
fn jpeg<R: Read + Seek>(reader: &mut Reader<R>, media: &mut Media) -> io::Result<()> {
    let mut offset = 2;
    let mut turned = false;
    loop {
        let [mark, marker, high, low] = reader.part_at(offset)?;
        let length = u64::from(u16::from_be_bytes([high, low]));
        match marker {
            _ if mark != 0xFF => return Ok(()),
            // Fill bytes before a marker.
            0xFF => offset += 1,
            // SOF0 to SOF15, less DHT, JPG and DAC among them.
            0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => {
                let [_, y1, y0, x1, x0]: [u8; 5] = reader.at(offset + 4)?;
                let (width, height) = (u16::from_be_bytes([x1, x0]).into(), u16::from_be_bytes([y1, y0]).into());
                media.pixels = if turned { size(height, width) } else { size(width, height) };
                return Ok(());
            }
            // The picture begins, or ends, without a frame header.
            0xDA | 0xD9 => return Ok(()),
            _ if length < 2 => return Ok(()),
            _ => {
                if marker == 0xE1 {
                    turned |= exif_turned(reader, offset + 4, length - 2).unwrap_or(false);
                }
                offset += 2 + length;
            }
        }
    }
}

/// Whether Exif's orientation (TIFF tag 0x0112) exchanges width and height: values 5 to 8.
fn exif_turned<R: Read + Seek>(reader: &mut Reader<R>, offset: u64, length: u64) -> io::Result<bool> {
    let head: [u8; 14] = reader.at(offset)?;
    let (tiff, end) = (offset + 6, offset + length);
    let little = match (&head[..6], &head[6..8]) {
        (b"Exif\0\0", b"II") => true,
        (b"Exif\0\0", b"MM") => false,
        _ => return Ok(false),
    };
    let u16_of = |b: &[u8]| if little { u16::from_le_bytes([b[0], b[1]]) } else { u16::from_be_bytes([b[0], b[1]]) };
    let directory = tiff
        + u64::from(if little {
            u32::from_le_bytes([head[10], head[11], head[12], head[13]])
        } else {
            be32(&head[10..])
        });
    let count = u64::from(u16_of(&reader.at::<2>(directory)?));
    for entry in 0..count {
        let at = directory + 2 + entry * 12;
        if at + 12 > end {
            break;
        }
        let entry: [u8; 12] = reader.part_at(at)?;
        if u16_of(&entry) == 0x0112 {
            return Ok((5..=8).contains(&u16_of(&entry[8..])));
        }
    }
    Ok(false)
}

/// MP4 and QuickTime (ISO/IEC 14496-12): `moov` stands before or after the data, or anywhere between.
fn mp4<R: Read + Seek>(reader: &mut Reader<R>, media: &mut Media) -> io::Result<()> {
    let Some(movie) = reader.find_box(0..reader.length, b"moov")? else { return Ok(()) };
    if let Some(header) = reader.find_box(movie.clone(), b"mvhd")? {
        // Creation and modification before, of 4 bytes each, of 8 in version 1.
        let version: [u8; 1] = reader.at(header.start)?;
        let (scale, duration) = if version[0] == 1 {
            let fields: [u8; 12] = reader.at(header.start + 20)?;
            (be32(&fields), be64(&fields[4..]))
        } else {
            let fields: [u8; 8] = reader.at(header.start + 12)?;
            // All ones: not known.
            (be32(&fields), if fields[4..] == [0xFF; 4] { u64::MAX } else { be32(&fields[4..]).into() })
        };
        let duration = match duration {
            // A file made of fragments says it elsewhere, if at all.
            0 => fragmented(reader, movie.clone())?.unwrap_or(0),
            known => known,
        };
        if duration != 0 && duration != u64::MAX && scale != 0 {
            media.duration_ms = u64::try_from(u128::from(duration) * 1000 / u128::from(scale)).ok();
        }
    }
    let mut rest = movie;
    while let Some(track) = reader.find_box(rest.clone(), b"trak")? {
        rest.start = track.end;
        let Some(header) = reader.find_box(track, b"tkhd")? else { continue };
        let version: [u8; 1] = reader.at(header.start)?;
        // The matrix, 9 numbers, then width and height, 16.16 fixed point; a sound track has none.
        let fields: [u8; 44] = reader.at(header.start + if version[0] == 1 { 52 } else { 40 })?;
        let (width, height) = (be32(&fields[36..]) >> 16, be32(&fields[40..]) >> 16);
        if width != 0 && height != 0 {
            // Held upright: the matrix turns by a quarter, its a and d are nothing.
            let turned = be32(&fields) == 0 && be32(&fields[16..]) == 0;
            media.pixels = if turned { size(height, width) } else { size(width, height) };
            return Ok(());
        }
    }
    Ok(())
}

/// `mvex`/`mehd`: the length of a movie in fragments, in the units of `mvhd`.
fn fragmented<R: Read + Seek>(reader: &mut Reader<R>, movie: Span) -> io::Result<Option<u64>> {
    let Some(extends) = reader.find_box(movie, b"mvex")? else { return Ok(None) };
    let Some(header) = reader.find_box(extends, b"mehd")? else { return Ok(None) };
    let version: [u8; 1] = reader.at(header.start)?;
    Ok(Some(if version[0] == 1 {
        be64(&reader.at::<8>(header.start + 4)?)
    } else {
        be32(&reader.at::<4>(header.start + 4)?).into()
    }))
}

/// WebM (RFC 8794, RFC 9559): Info and Tracks of the Segment, which stand before its data.
fn webm<R: Read + Seek>(reader: &mut Reader<R>, media: &mut Media) -> io::Result<()> {
    const SEGMENT: u32 = 0x1853_8067;
    const INFO: u32 = 0x1549_A966;
    const TRACKS: u32 = 0x1654_AE6B;
    const CLUSTER: u32 = 0x1F43_B675;
    let whole = 0..reader.length;
    let Some(segment) = reader.find_element(whole, SEGMENT)? else { return Ok(()) };
    let mut offset = segment.start;
    while offset < segment.end {
        let (id, body) = reader.element(offset, segment.end)?;
        match id {
            INFO => media.duration_ms = webm_duration(reader, body.clone())?,
            TRACKS => media.pixels = webm_pixels(reader, body.clone())?,
            CLUSTER => break,
            _ => {}
        }
        offset = body.end;
    }
    Ok(())
}

fn webm_duration<R: Read + Seek>(reader: &mut Reader<R>, info: Span) -> io::Result<Option<u64>> {
    const SCALE: u32 = 0x2A_D7B1;
    const DURATION: u32 = 0x4489;
    let scale = match reader.find_element(info.clone(), SCALE)? {
        Some(body) => reader.unsigned(body)?,
        None => 1_000_000,
    };
    // Recordings that were streamed have none.
    let Some(body) = reader.find_element(info, DURATION)? else { return Ok(None) };
    let ticks = match body.end - body.start {
        4 => f64::from(f32::from_be_bytes(reader.at(body.start)?)),
        8 => f64::from_be_bytes(reader.at(body.start)?),
        _ => return Ok(None),
    };
    let milliseconds = ticks * scale as f64 / 1e6;
    // A thousand years is no length; neither is less than nothing, nor NaN.
    Ok((0.0..3.2e13).contains(&milliseconds).then_some(milliseconds.round() as u64))
}

fn webm_pixels<R: Read + Seek>(reader: &mut Reader<R>, tracks: Span) -> io::Result<Option<(u32, u32)>> {
    const ENTRY: u32 = 0xAE;
    const VIDEO: u32 = 0xE0;
    const WIDTH: u32 = 0xB0;
    const HEIGHT: u32 = 0xBA;
    let mut rest = tracks;
    while let Some(entry) = reader.find_element(rest.clone(), ENTRY)? {
        rest.start = entry.end;
        let Some(video) = reader.find_element(entry, VIDEO)? else { continue };
        let (Some(width), Some(height)) =
            (reader.find_element(video.clone(), WIDTH)?, reader.find_element(video, HEIGHT)?)
        else {
            continue;
        };
        let (width, height) = (reader.unsigned(width)?, reader.unsigned(height)?);
        if let (Ok(width), Ok(height)) = (u32::try_from(width), u32::try_from(height)) {
            return Ok(size(width, height));
        }
    }
    Ok(None)
}

/// A part of the file, in bytes from its beginning.
type Span = std::ops::Range<u64>;

/// Reads at any place, and counts the parts it was asked for.
struct Reader<R> {
    inner: R,
    length: u64,
    parts: u32,
}

impl<R: Read + Seek> Reader<R> {
    /// So many bytes from a place on. `UnexpectedEof` beyond the end.
    fn at<const N: usize>(&mut self, offset: u64) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        if offset >= self.length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.inner.seek(SeekFrom::Start(offset))?;
        self.inner.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// The same for the head of a part. `InvalidData` once there were too many.
    fn part_at<const N: usize>(&mut self, offset: u64) -> io::Result<[u8; N]> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(ErrorKind::InvalidData.into());
        }
        self.at(offset)
    }

    /// The content of the first box of that type (ISO/IEC 14496-12 §4.2).
    fn find_box(&mut self, within: Span, wanted: &[u8; 4]) -> io::Result<Option<Span>> {
        let mut offset = within.start;
        while offset < within.end {
            let head: [u8; 8] = self.part_at(offset)?;
            let (header, length) = match be32(&head) {
                // To the end.
                0 => (8, within.end - offset),
                1 => (16, be64(&self.at::<8>(offset + 8)?)),
                length => (8, length.into()),
            };
            let end = offset.checked_add(length).filter(|_| length >= header).ok_or(ErrorKind::InvalidData)?;
            if &head[4..] == wanted {
                return Ok(Some(offset + header..end.min(within.end)));
            }
            offset = end;
        }
        Ok(None)
    }

    /// The content of the first EBML element of that id.
    fn find_element(&mut self, within: Span, wanted: u32) -> io::Result<Option<Span>> {
        let mut offset = within.start;
        while offset < within.end {
            let (id, body) = self.element(offset, within.end)?;
            if id == wanted {
                return Ok(Some(body));
            }
            offset = body.end;
        }
        Ok(None)
    }

    /// Id and content of the EBML element at a place (RFC 8794 §5 and §6). One of unknown size goes on to `end`.
    fn element(&mut self, offset: u64, end: u64) -> io::Result<(u32, Span)> {
        let [first]: [u8; 1] = self.part_at(offset)?;
        let id_length = u64::from(first.leading_zeros()) + 1;
        if id_length > 4 {
            return Err(ErrorKind::InvalidData.into());
        }
        let id = self.unsigned(offset..offset + id_length)? as u32;
        let at = offset + id_length;
        let [first]: [u8; 1] = self.at(at)?;
        let size_length = u64::from(first.leading_zeros()) + 1;
        if size_length > 8 {
            return Err(ErrorKind::InvalidData.into());
        }
        // The first one bit only tells how long the number is.
        let value_bits = 7 * size_length;
        let size = self.unsigned(at..at + size_length)? & ((1 << value_bits) - 1);
        let start = at + size_length;
        let stop =
            if size == (1 << value_bits) - 1 { end } else { start.checked_add(size).ok_or(ErrorKind::InvalidData)? };
        Ok((id, start..stop.min(end).max(start)))
    }

    /// A big-endian number of up to 8 bytes.
    fn unsigned(&mut self, body: Span) -> io::Result<u64> {
        if body.end - body.start > 8 {
            return Err(ErrorKind::InvalidData.into());
        }
        let mut value = 0;
        for offset in body {
            let [byte]: [u8; 1] = self.at(offset)?;
            value = value << 8 | u64::from(byte);
        }
        Ok(value)
    }
}

/// A picture without width or height is none.
fn size(width: u32, height: u32) -> Option<(u32, u32)> {
    (width != 0 && height != 0).then_some((width, height))
}

fn be32(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

fn be64(bytes: &[u8]) -> u64 {
    u64::from(be32(bytes)) << 32 | u64::from(be32(&bytes[4..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    const MP4: &[u8] = include_bytes!("../fixtures/two-seconds.mp4");
    const WEBM: &[u8] = include_bytes!("../fixtures/two-seconds.webm");

    fn of(bytes: &[u8]) -> (Option<FileKind>, Media) {
        look(&mut Reader { inner: Cursor::new(bytes), length: bytes.len() as u64, parts: 0 }).unwrap()
    }

    fn media(pixels: (u32, u32), duration_ms: Option<u64>) -> Media {
        Media { pixels: Some(pixels), duration_ms }
    }

    /// A box with a 32-bit size.
    fn boxed(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes(), &name[..], content].concat()
    }

    /// `moov` with a length of 2.5 s and one picture track, upright if `turned`.
    fn movie(version: u8, turned: bool) -> Vec<u8> {
        let wide = |n: u32| if version == 1 { u64::from(n).to_be_bytes().to_vec() } else { n.to_be_bytes().to_vec() };
        let mvhd = [vec![version, 0, 0, 0], wide(0), wide(0), 600u32.to_be_bytes().to_vec(), wide(1500)].concat();
        let one = 0x1_0000u32;
        let matrix = if turned {
            [0, one, 0, one.wrapping_neg(), 0, 0, 0, 0, 0x4000_0000]
        } else {
            [one, 0, 0, 0, one, 0, 0, 0, 0x4000_0000]
        };
        let tkhd = [
            [vec![version, 0, 0, 7], wide(0), wide(0), vec![0; 8], wide(1500), vec![0; 16]].concat(),
            matrix.iter().flat_map(|n| n.to_be_bytes()).collect(),
            (1920u32 << 16).to_be_bytes().to_vec(),
            (1080u32 << 16).to_be_bytes().to_vec(),
        ]
        .concat();
        let sound = boxed(b"trak", &boxed(b"tkhd", &[0; 84]));
        let picture = boxed(b"trak", &boxed(b"tkhd", &tkhd));
        boxed(b"moov", &[boxed(b"mvhd", &mvhd), sound, picture].concat())
    }

    #[test]
    fn videos_tell_length_and_size_wherever_their_header_is() {
        assert_eq!(of(MP4), (Some(FileKind::Mp4), media((320, 240), Some(2000))));
        assert_eq!(of(WEBM), (Some(FileKind::Webm), media((320, 240), Some(2000))));
        let start = boxed(b"ftyp", b"isom\0\0\0\0");
        let expected = (Some(FileKind::Mp4), media((1920, 1080), Some(2500)));
        for version in [0, 1] {
            let data = boxed(b"mdat", &[0; 999]);
            assert_eq!(of(&[&start[..], &movie(version, false), &data].concat()), expected, "header first");
            assert_eq!(of(&[&start[..], &data, &movie(version, false)].concat()), expected, "header last");
        }
        let large = [&1u32.to_be_bytes(), b"mdat", &(16u64 + 50).to_be_bytes()[..], &[0; 50]].concat();
        assert_eq!(of(&[&start[..], &large, &movie(0, false)].concat()), expected, "after a box with a 64-bit size");
        let upright = of(&[&start[..], &movie(0, true)].concat()).1;
        assert_eq!(upright.pixels, Some((1080, 1920)), "a video taken upright is shown upright");
    }

    #[test]
    fn hostile_sizes_end_the_walk_and_keep_what_was_found() {
        let start = boxed(b"ftyp", b"isom\0\0\0\0");
        let endless = [&1u32.to_be_bytes(), b"mdat", &u64::MAX.to_be_bytes()[..]].concat();
        assert_eq!(of(&[&start[..], &endless, &movie(0, false)].concat()), (Some(FileKind::Mp4), Media::default()));
        let never_on = [&start[..], &7u32.to_be_bytes(), b"mdat", &movie(0, false)].concat();
        assert_eq!(of(&never_on).1, Media::default(), "a box shorter than its own head ends the walk");
        let many = [&start[..], &boxed(b"free", b"").repeat(MAX_PARTS as usize), &movie(0, false)].concat();
        assert_eq!(of(&many).1, Media::default(), "a walk has its end");
        let cut = of(&[&start[..], &movie(0, false)[..60]].concat()).1;
        assert_eq!(cut, Media { pixels: None, duration_ms: Some(2500) }, "what was found before the cut stands");
    }

    #[test]
    fn pictures_tell_their_size() {
        let png = [&b"\x89PNG\r\n\x1a\n\0\0\0\x0DIHDR"[..], &640u32.to_be_bytes(), &480u32.to_be_bytes()].concat();
        assert_eq!(of(&png), (Some(FileKind::Png), media((640, 480), None)));
        let frame = [0xFF, 0xC2, 0, 17, 8, 1, 0x2C, 2, 0x58, 3];
        let jpeg = |exif: &[u8]| [&[0xFF, 0xD8][..], &[0xFF, 0xE0, 0, 4, 1, 2], exif, &[0xFF], &frame].concat();
        assert_eq!(of(&jpeg(&[])), (Some(FileKind::Jpeg), media((600, 300), None)));
        let tiff =
            [&b"Exif\0\0II*\0"[..], &8u32.to_le_bytes(), &[1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0]].concat();
        let exif = [&[0xFF, 0xE1, 0, tiff.len() as u8 + 2][..], &tiff].concat();
        assert_eq!(of(&jpeg(&exif)).1.pixels, Some((300, 600)), "a photo taken upright is shown upright");
        assert_eq!(of(&[0xFF, 0xD8, 0xFF, 0xDA, 0, 2]).1, Media::default(), "a JPEG without a frame has no size");
    }

    #[test]
    fn what_is_no_file_is_an_error_and_what_is_empty_has_no_kind() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(facts(folder.path()).unwrap_err().kind(), ErrorKind::InvalidInput, "a folder is no file");
        assert_eq!(facts(&folder.path().join("没有")).unwrap_err().kind(), ErrorKind::NotFound);
        let path = folder.path().join("我的 文件 📎.pdf");
        fs::write(&path, b"").unwrap();
        let empty = facts(&path).unwrap();
        assert_eq!((empty.kind, empty.bytes), (None, 0));
        fs::write(&path, b"%PDF-1.7\n").unwrap();
        let pdf = facts(&path).unwrap();
        assert_eq!((pdf.kind, pdf.bytes, pdf.pixels), (Some(FileKind::Pdf), 9, None));
        assert!(pdf.modified_ns > 1_700_000_000_000_000_000, "the time of its last change, in nanoseconds");
    }

    #[test]
    fn a_file_of_many_gigabytes_costs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("video.mp4");
        let file = File::create(&path).unwrap();
        let start = boxed(b"ftyp", b"isom\0\0\0\0");
        let data = 5u64 << 30;
        let movie = movie(0, false);
        use std::io::Write;
        (&file).write_all(&[&start[..], &1u32.to_be_bytes(), b"mdat", &data.to_be_bytes()].concat()).unwrap();
        (&file).seek(SeekFrom::Start(start.len() as u64 + data)).unwrap();
        (&file).write_all(&movie).unwrap();
        let told = facts(&path).unwrap();
        assert_eq!(
            (told.pixels, told.duration_ms),
            (Some((1920, 1080)), Some(2500)),
            "the header after 5 GiB is found"
        );
    }

    /// Files as today's ffmpeg makes them; skipped where there is none.
    #[test]
    fn agrees_with_ffmpeg() {
        let folder = tempfile::tempdir().unwrap();
        let video = |name: &str, more: &[&str]| {
            let path = folder.path().join(name);
            let made = std::process::Command::new("ffmpeg")
                .args(["-v", "error", "-y", "-f", "lavfi", "-i", "color=c=navy:s=320x240:r=10:d=3"])
                .args(more)
                .arg(&path)
                .status();
            made.is_ok_and(|status| status.success()).then(|| facts(&path).unwrap())
        };
        for (name, more, kind, duration) in [
            ("first.mp4", &["-movflags", "+faststart"][..], FileKind::Mp4, Some(3000)),
            ("last.mp4", &[], FileKind::Mp4, Some(3000)),
            ("apple.mov", &[], FileKind::Mp4, Some(3000)),
            ("vp9.webm", &[], FileKind::Webm, Some(3000)),
            ("photo.jpg", &["-frames:v", "1"], FileKind::Jpeg, None),
            ("photo.png", &["-frames:v", "1"], FileKind::Png, None),
        ] {
            let Some(told) = video(name, more) else { continue };
            assert_eq!(told.kind, Some(kind), "{name}");
            assert_eq!(told.pixels, Some((320, 240)), "{name}");
            assert_eq!(told.duration_ms, duration, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_stop_it(bytes in proptest::collection::vec(any::<u8>(), 0..600), head in 0usize..5) {
            let heads: [&[u8]; 5] = [b"", &[0xFF, 0xD8, 0xFF], b"\x89PNG\r\n\x1a\n", b"\0\0\0\x0cftypisom", &WEBM[..40]];
            of(&[heads[head], &bytes].concat());
        }

        #[test]
        fn no_change_to_a_real_file_stops_it(at in 0usize..2000, byte in any::<u8>(), cut in 0usize..4000, webm in any::<bool>()) {
            let mut bytes = if webm { WEBM } else { MP4 }.to_vec();
            let place = at % bytes.len();
            bytes[place] = byte;
            bytes.truncate(cut.max(1));
            of(&bytes);
        }
    }
}
