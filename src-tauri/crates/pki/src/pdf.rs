//! A form signed by a key: PAdES B-B (ETSI EN 319 142-1) as an incremental update behind the form's own bytes, which
//! stay as they are.
//!
//! The update adds a signature with its field, and a place for the field in the structure, so that the file stays what
//! PDF/A-2a and PDF/UA-1 ask for: the widget has no area (so it needs no appearance, and is not hidden, which PDF/A
//! forbids), a description, and its own `Form` element at the end of the document. `/ByteRange` covers every byte but
//! the signature itself.
//!
//! Only the forms that crate `forms` makes are understood: a cross-reference table, plain objects. Verifying is as
//! strict as can be: the update is made anew from what it says, and must be the same to the last byte. So whatever was
//! put into a file beside or after the signature, in whatever way, is found out.
//!
//! What is written here may not change without the old way staying known: a form signed by an earlier version of the
//! program must verify (a test holds one).

use std::ops::Range;

use certdesk_domain::{Timestamp, token::SignatureScheme};
use pdf_writer::{
    Chunk, Date, Name, Rect, Ref, Settings, Str, TextStr,
    types::{AnnotationFlags, FieldType, StructRole},
};
use ring::digest::{SHA256, digest};

use crate::{Certificate, PkiError, cms, der, details};

/// Room for the CMS signature, bytes: 16 KiB, in the file twice as many hexadecimal digits.
const ROOM: usize = 16 * 1024;
/// Signed forms are about 90 KiB; what is larger than this is not looked at.
pub const MOST_SIGNED_BYTES: usize = 4 * 1024 * 1024;

/// Said of the field to those who do not see it.
const DESCRIPTION: &str = "申请人以认证锁所作的电子签名";
const REASON: &str = "办理数字证书业务";

const END: &[u8] = b"%%EOF";
/// As wide as any number that a file of ours can need.
const UNKNOWN: i32 = 1_999_999_999;

/// Why a form cannot be signed, or a signature not be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not a form as this program makes it, or one that is signed already.
    #[error("the file is no unsigned form of this program")]
    NotAForm,
    /// There is no signature over the whole file as this program writes it: another program signed, or the file was
    /// changed since.
    #[error("the file is not signed as a whole by this program")]
    NotWhole,
    /// The certificates need more room than a signature has.
    #[error("the certificates are too large")]
    TooLarge,
    /// The certificate or its signature is not right.
    #[error(transparent)]
    Pki(#[from] PkiError),
}

/// A form with everything but its signature: [`Prepared::to_be_signed`] goes to the token, its answer to
/// [`Prepared::finish`].
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The file with nothing in its signature.
    file: Vec<u8>,
    /// Where the digits of the signature go.
    digits: Range<usize>,
    signing: cms::Signing,
}

impl Prepared {
    /// The message for the token to sign.
    pub fn to_be_signed(&self) -> Vec<u8> {
        self.signing.to_be_signed()
    }

    /// How the key signs: RSA by PKCS#1 v1.5, or ECDSA, with SHA-256.
    pub fn scheme(&self) -> SignatureScheme {
        self.signing.scheme()
    }

    /// The signed form. `signature` as the token made it (ECDSA: raw `r‖s`).
    ///
    /// # Errors
    /// [`SignatureError::Pki`] where the signature does not verify, [`SignatureError::TooLarge`].
    pub fn finish(self, scheme: SignatureScheme, signature: &[u8]) -> Result<Vec<u8>, SignatureError> {
        let cms = self.signing.finish(scheme, signature)?;
        self.filled(&cms)
    }

    fn filled(mut self, cms: &[u8]) -> Result<Vec<u8>, SignatureError> {
        if cms.len() > ROOM {
            return Err(SignatureError::TooLarge);
        }
        for (digits, byte) in self.file[self.digits].chunks_exact_mut(2).zip(cms) {
            digits.copy_from_slice(&hex_digits(*byte));
        }
        Ok(self.file)
    }
}

/// Prepares a form of crate `forms` to be signed by the key of this certificate.
///
/// `chain`: its issuers up to the root, to be carried along (short of it, none is); `at`: the time the signer claims.
///
/// # Errors
/// [`SignatureError::NotAForm`], [`SignatureError::Pki`] for a certificate that cannot be used.
pub fn prepare(
    form: &[u8],
    certificate_der: &[u8],
    chain: &[Vec<u8>],
    at: Timestamp,
) -> Result<Prepared, SignatureError> {
    let holder = Certificate::parse(certificate_der)?.holder;
    let (mut file, digits) = updated(form, &holder, at).ok_or(SignatureError::NotAForm)?;
    let signing = cms::Signing::new(certificate_der, chain, around(&file, &digits))?;
    file[digits.clone()].fill(b'0');
    Ok(Prepared { file, digits, signing })
}

/// A signed form that verified. Says nothing about trust in its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedForm {
    /// The signer's certificate, DER.
    pub certificate_der: Vec<u8>,
    /// SHA-256 of the form before it was signed, lower-case hex.
    pub original_sha256: String,
    /// The time the signer claims.
    pub at: Timestamp,
}

/// Verifies a signed form: exactly one signature, written by [`Prepared::finish`], right by its certificate, over all of
/// the file.
///
/// # Errors
/// [`SignatureError::NotWhole`], [`SignatureError::NotAForm`], [`SignatureError::Pki`].
pub fn verify(pdf: &[u8]) -> Result<SignedForm, SignatureError> {
    if pdf.len() > MOST_SIGNED_BYTES {
        return Err(SignatureError::NotWhole);
    }
    let (original, at, digits) = parts(pdf).ok_or(SignatureError::NotWhole)?;
    let room = bytes_of(&pdf[digits.clone()]).ok_or(SignatureError::NotWhole)?;
    let cms = der::Reader(&room).next().ok_or(SignatureError::NotWhole)?.whole;
    let signed = cms::verify(cms, around(pdf, &digits))?;
    let again = prepare(original, &signed.certificate_der, &signed.chain, at)?.filled(cms)?;
    if again != pdf {
        return Err(SignatureError::NotWhole);
    }
    let original_sha256 = details::hex(digest(&SHA256, original).as_ref());
    Ok(SignedForm { certificate_der: signed.certificate_der, original_sha256, at })
}

/// Whether a file has anything that a reader may take for a signature, true or false.
pub fn looks_signed(pdf: &[u8]) -> bool {
    find(pdf, MARK).is_some()
}

/// How many bytes [`looks_signed`] must see together: parts of a file must overlap by so many.
pub const MARK_BYTES: usize = MARK.len();

/// No signature is without it (ISO 32000-1 table 252), and none of ours is compressed.
const MARK: &[u8] = b"/ByteRange";

/// The form with the update behind it, and where in it the digits of the signature go.
fn updated(form: &[u8], holder: &str, at: Timestamp) -> Option<(Vec<u8>, Range<usize>)> {
    if form.len() > MOST_SIGNED_BYTES || looks_signed(form) {
        return None;
    }
    let old = Original::read(form)?;
    let catalog = old.dictionary(old.root)?;
    let tree_id = reference(catalog, b"/StructTreeRoot ")?;
    let tree = old.dictionary(tree_id)?;
    let document_id = reference(tree, b"/K[")?;
    let document = old.dictionary(document_id)?;
    let page_id = old.last_page(reference(catalog, b"/Pages ")?)?;
    let page = old.dictionary(page_id)?;
    let key = number(tree, b"/ParentTreeNextKey ")?;
    if find(catalog, b"/AcroForm").is_some() || find(page, b"/Annots").is_some() {
        return None;
    }
    let [signature, widget, element] = [0, 1, 2].map(|n| Ref::new(old.size + n));
    let page_ref = Ref::new(page_id);

    let mut objects = vec![
        (old.size, signature_dictionary(signature, holder, at)?),
        (old.size + 1, field(widget, signature, page_ref, key)),
        (old.size + 2, form_element(element, Ref::new(document_id), widget, page_ref)),
        (old.root, object(old.root, catalog, &format!("/AcroForm<</Fields[{} 0 R]/SigFlags 3>>", widget.get()))),
        (page_id, object(page_id, page, &format!("/Annots[{} 0 R]", widget.get()))),
        (document_id, object(document_id, &with_member(document, b"/K[", &format!("{} 0 R", element.get()))?, "")),
    ];
    let tree = with_member(tree, b"/Nums[", &format!("{key} {} 0 R", element.get()))?;
    let tree = with_number(&tree, b"/ParentTreeNextKey ", key.checked_add(1)?)?;
    objects.push((tree_id, object(tree_id, &tree, "")));
    objects.sort_by_key(|(id, _)| *id);
    if objects.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return None;
    }

    let mut file = form.to_vec();
    file.push(b'\n');
    let mut offsets = Vec::new();
    for (id, object) in &objects {
        offsets.push((*id, file.len()));
        file.extend_from_slice(object);
    }
    let table = file.len();
    file.extend_from_slice(&cross_references(&offsets));
    let (root, info) = (old.root, old.info);
    let (first_id, second_id) = (old.id, id_of(form));
    file.extend_from_slice(
        format!("trailer\n<</Size {}/Root {root} 0 R/Info {info} 0 R/ID[(", old.size.checked_add(3)?).as_bytes(),
    );
    file.extend_from_slice(first_id);
    file.extend_from_slice(format!(")<{second_id}>]/Prev {}>>\nstartxref\n{table}\n%%EOF", old.table).as_bytes());

    let start = form.len() + find(&file[form.len()..], b"/Contents<")? + b"/Contents<".len();
    let digits = start..start + 2 * ROOM;
    set_byte_range(&mut file, form.len(), &digits)?;
    Some((file, digits))
}

/// The signature dictionary (ISO 32000-1 §12.8.1), its numbers and signature still to be filled in.
fn signature_dictionary(id: Ref, holder: &str, at: Timestamp) -> Option<Vec<u8>> {
    let at = at.to_offset(time::UtcOffset::UTC);
    let date = Date::new(u16::try_from(at.year()).ok().filter(|year| (1970..=9999).contains(year))?)
        .month(at.month().into())
        .day(at.day())
        .hour(at.hour())
        .minute(at.minute())
        .second(at.second())
        .utc_offset_hour(0);
    let mut chunk = chunk();
    let mut dictionary = chunk.indirect(id).dict();
    dictionary
        .pair(Name(b"Type"), Name(b"Sig"))
        .pair(Name(b"Filter"), Name(b"Adobe.PPKLite"))
        .pair(Name(b"SubFilter"), Name(b"ETSI.CAdES.detached"))
        .pair(Name(b"M"), date);
    dictionary.insert(Name(b"ByteRange")).array().items([0, UNKNOWN, UNKNOWN, UNKNOWN]);
    // Not ASCII, so that it is written in hexadecimal.
    dictionary.pair(Name(b"Contents"), Str(&[0xFF; ROOM]));
    dictionary.pair(Name(b"Name"), TextStr(holder)).pair(Name(b"Reason"), TextStr(REASON));
    drop(dictionary);
    Some(chunk.as_bytes().to_vec())
}

/// Field and widget in one.
fn field(id: Ref, signature: Ref, page: Ref, key: i32) -> Vec<u8> {
    let mut chunk = chunk();
    let mut field = chunk.form_field(id);
    field
        .field_type(FieldType::Signature)
        .partial_name(TextStr("Signature1"))
        .alternate_name(TextStr(DESCRIPTION))
        .pair(Name(b"V"), signature);
    let mut widget = field.into_annotation();
    widget
        .rect(Rect::new(0.0, 0.0, 0.0, 0.0))
        .flags(AnnotationFlags::PRINT | AnnotationFlags::LOCKED)
        .page(page)
        .struct_parent(key);
    drop(widget);
    chunk.as_bytes().to_vec()
}

/// The field's place in the structure.
fn form_element(id: Ref, document: Ref, widget: Ref, page: Ref) -> Vec<u8> {
    let mut chunk = chunk();
    let mut element = chunk.struct_element(id);
    element.kind(StructRole::Form).parent(document).page(page);
    element.object_child().object(widget).page(page);
    drop(element);
    chunk.as_bytes().to_vec()
}

fn chunk() -> Chunk {
    Chunk::with_settings(Settings { pretty: false })
}

/// An object of the form, written again with more in it.
fn object(id: i32, entries: &[u8], more: &str) -> Vec<u8> {
    [format!("{id} 0 obj\n<<").as_bytes(), entries, more.as_bytes(), b">>\nendobj\n"].concat()
}

/// The entries with one more member at the end of the array that `key` (with its bracket) opens.
fn with_member(entries: &[u8], key: &[u8], member: &str) -> Option<Vec<u8>> {
    let start = find(entries, key)? + key.len();
    let end = start + find(&entries[start..], b"]")?;
    // Nothing nested, whose own end that could be.
    if entries[start..end].iter().any(|byte| b"[<(".contains(byte)) {
        return None;
    }
    Some([&entries[..end], b" ", member.as_bytes(), &entries[end..]].concat())
}

fn with_number(entries: &[u8], key: &[u8], value: i32) -> Option<Vec<u8>> {
    let start = find(entries, key)? + key.len();
    let digits = entries[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    Some([&entries[..start], value.to_string().as_bytes(), &entries[start + digits..]].concat())
}

/// The cross-reference section of an update (ISO 32000-1 §7.5.4): a subsection for each run of numbers.
fn cross_references(offsets: &[(i32, usize)]) -> Vec<u8> {
    let mut table = b"xref\n".to_vec();
    for run in offsets.chunk_by(|a, b| a.0 + 1 == b.0) {
        table.extend_from_slice(format!("{} {}\n", run[0].0, run.len()).as_bytes());
        for (_, offset) in run {
            table.extend_from_slice(format!("{offset:010} 00000 n\r\n").as_bytes());
        }
    }
    table
}

/// Writes what the signature covers: everything before its angle bracket, and everything after the other.
fn set_byte_range(file: &mut [u8], update: usize, digits: &Range<usize>) -> Option<()> {
    let unknown = format!("[0 {UNKNOWN} {UNKNOWN} {UNKNOWN}]");
    let at = update + find(&file[update..], unknown.as_bytes())?;
    let known = format!("[0 {} {} {}]", digits.start - 1, digits.end + 1, file.len() - digits.end - 1);
    let place = &mut file[at..at + unknown.len()];
    place.fill(b' ');
    // Numbers first, then blanks, then the bracket.
    place[..known.len()].copy_from_slice(known.as_bytes());
    place[known.len() - 1] = b' ';
    *place.last_mut()? = b']';
    Some(())
}

/// Everything but the signature and its angle brackets.
fn around(file: &[u8], digits: &Range<usize>) -> cms::Content {
    cms::Content::of(&[&file[..digits.start - 1], &file[digits.end + 1..]])
}

/// Takes a signed form apart: the form, the time, and where the digits of the signature are. That this is all there is
/// to it is seen by putting it together again.
fn parts(pdf: &[u8]) -> Option<(&[u8], Timestamp, Range<usize>)> {
    let form = rfind(pdf.strip_suffix(END)?, END)? + END.len();
    let (original, update) = pdf.split_at(form);
    let date = find(update, b"/M(D:")? + b"/M(D:".len();
    let at = timestamp(update.get(date..date + 15)?)?;
    let start = form + find(update, b"/Contents<")? + b"/Contents<".len();
    let digits = start..start + 2 * ROOM;
    (digits.end < pdf.len()).then_some((original, at, digits))
}

/// `YYYYMMDDHHMMSSZ`
fn timestamp(text: &[u8]) -> Option<Timestamp> {
    let (digits, b"Z") = text.split_at_checked(14)? else { return None };
    let part = |range: Range<usize>| integer(&digits[range]);
    let small = |range: Range<usize>| part(range).and_then(|value| u8::try_from(value).ok());
    let month = time::Month::try_from(small(4..6)?).ok()?;
    let date = time::Date::from_calendar_date(part(0..4)?, month, small(6..8)?).ok()?;
    let time = time::Time::from_hms(small(8..10)?, small(10..12)?, small(12..14)?).ok()?;
    Some(time::PrimitiveDateTime::new(date, time).assume_utc())
}

/// A form as it was made, with what the update needs to know of it.
struct Original<'a> {
    form: &'a [u8],
    /// Where the cross-reference table begins, and where its entries do.
    table: usize,
    entries: usize,
    size: i32,
    root: i32,
    info: i32,
    /// First part of the file identifier, as it stands in its brackets.
    id: &'a [u8],
}

impl<'a> Original<'a> {
    fn read(form: &'a [u8]) -> Option<Self> {
        let body = form.strip_suffix(END)?;
        let start = rfind(body, b"startxref\n")?;
        let line = body[start + b"startxref\n".len()..].strip_suffix(b"\n")?;
        let table = usize::try_from(integer(line)?).ok()?;
        let xref = form.get(table..start)?;
        let (count, _) = xref.strip_prefix(b"xref\n0 ")?.split_at_checked(16)?;
        let digits = count.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let entries = table + b"xref\n0 ".len() + digits + 1;
        let trailer = &xref[find(xref, b"trailer\n")?..];
        let size = number(trailer, b"/Size ")?;
        if integer(&count[..digits])? != size {
            return None;
        }
        let id = &trailer[find(trailer, b"/ID[(")? + b"/ID[(".len()..];
        let id = &id[..find(id, b")")?];
        let plain = id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte));
        let (root, info) = (reference(trailer, b"/Root ")?, reference(trailer, b"/Info ")?);
        plain.then_some(Self { form, table, entries, size, root, info, id })
    }

    /// What is between the outer brackets of a dictionary.
    fn dictionary(&self, id: i32) -> Option<&'a [u8]> {
        const ENTRY: usize = 20;
        if !(1..self.size).contains(&id) {
            return None;
        }
        let entry = self.entries + usize::try_from(id).ok()? * ENTRY;
        let offset = usize::try_from(integer(self.form.get(entry..entry + 10)?)?).ok()?;
        let object = self.form.get(offset..self.table)?.strip_prefix(format!("{id} 0 obj\n<<").as_bytes())?;
        let entries = object[..find(object, b"\nendobj")?].strip_suffix(b">>")?;
        find(entries, b"stream").is_none().then_some(entries)
    }

    /// The page that the widget goes on: the last, where one signs.
    fn last_page(&self, mut node: i32) -> Option<i32> {
        const DEEPEST: usize = 8;
        for _ in 0..DEEPEST {
            let entries = self.dictionary(node)?;
            let Some(kids) = find(entries, b"/Kids[") else { return Some(node) };
            let kids = &entries[kids + b"/Kids[".len()..];
            let kids = kids[..find(kids, b"]")?].strip_suffix(b" 0 R")?;
            let digits = kids.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
            node = integer(&kids[kids.len() - digits..])?;
        }
        None
    }
}

/// The number after a key.
fn number(entries: &[u8], key: &[u8]) -> Option<i32> {
    let rest = &entries[find(entries, key)? + key.len()..];
    integer(&rest[..rest.iter().take_while(|byte| byte.is_ascii_digit()).count()])
}

/// The object a key refers to.
fn reference(entries: &[u8], key: &[u8]) -> Option<i32> {
    let id = number(entries, key)?;
    find(entries, &[key, id.to_string().as_bytes(), b" 0 R"].concat())?;
    Some(id)
}

/// Digits alone, and not more than the largest file of ours needs.
fn integer(digits: &[u8]) -> Option<i32> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok().filter(|value| *value < UNKNOWN)
}

/// Second part of the file identifier: it changes with each update (ISO 32000-1 §14.4).
fn id_of(form: &[u8]) -> String {
    details::hex(&digest(&SHA256, form).as_ref()[..16])
}

fn hex_digits(byte: u8) -> [u8; 2] {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'A' + value - 10 };
    [digit(byte >> 4), digit(byte & 15)]
}

fn bytes_of(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    let pair = |pair: &[u8]| u8::try_from(value(pair[0])? << 4 | value(pair[1])?).ok();
    digits.chunks_exact(2).map(pair).collect()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn rfind(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).rposition(|window| window == needle)
}
