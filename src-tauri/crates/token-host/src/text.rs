//! Labels and names as a token writes them.

use encoding_rs::GBK;
use pkcs11_profiles::LabelEncoding;

/// Text without the blanks and NULs it is padded with; after a NUL there may be stale memory. A character that did not fit
/// whole into its field is left out.
pub(crate) fn of(bytes: &[u8], encoding: LabelEncoding) -> String {
    let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = match (encoding, std::str::from_utf8(bytes)) {
        (LabelEncoding::Utf8, Ok(text)) => text.into(),
        (LabelEncoding::Gbk, _) => GBK.decode_without_bom_handling(bytes).0,
        // The standard wants UTF-8; who writes none writes what the computers around him do.
        (LabelEncoding::Utf8, Err(_)) => GBK
            .decode_without_bom_handling_and_without_replacement(bytes)
            .unwrap_or_else(|| String::from_utf8_lossy(bytes)),
    };
    text.trim().trim_end_matches(char::REPLACEMENT_CHARACTER).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{LabelEncoding::*, of};

    #[test]
    fn padding_of_both_kinds_is_trimmed() {
        assert_eq!(of(b"Linux\0\0\xffx", Utf8), "Linux");
        assert_eq!(of(b"Lab 9a\0 \0", Utf8), "Lab 9a");
        assert_eq!(of("  证书  ".as_bytes(), Utf8), "证书");
    }

    #[test]
    fn gbk_is_read_where_it_is_said_and_where_it_is_seen() {
        let label = b"\xb8\xa3\xd6\xdd\xd4\xc6\xb7\xab    ";
        assert_eq!([of(label, Gbk), of(label, Utf8)], ["福州云帆", "福州云帆"], "no UTF-8, so it is seen");
        // 枚 and 诺 are GBK and happen to be UTF-8 too.
        let doubtful = GBK_THAT_IS_UTF8;
        assert_ne!(of(doubtful, Utf8), of(doubtful, Gbk), "here only the profile can tell");
        assert_eq!(of("福州云帆".as_bytes(), Utf8), "福州云帆");
    }

    const GBK_THAT_IS_UTF8: &[u8] = b"\xc3\xb6";

    #[test]
    fn what_is_neither_is_shown_as_far_as_it_goes() {
        assert_eq!(of(b"Soci\xe9t\xe9 ", Utf8), "Soci\u{fffd}t", "Latin-1 is told as what it is not");
        assert_eq!(of(b"\xb8\xa3\xd6", Gbk), "福", "a character cut in half by its field is left out");
        assert_eq!(of("云帆".as_bytes().split_last().unwrap().1, Utf8), "云");
    }
}
