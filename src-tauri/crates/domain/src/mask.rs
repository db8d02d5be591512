//! Personal data made presentable: enough to recognise what one knows, too little to learn what one does not.

/// `110105********002X`; shorter numbers keep the first and last two characters at most.
pub fn id_number(number: &str) -> String {
    match number.chars().count() {
        18.. => keep(number, 6, 4),
        8..18 => keep(number, 2, 2),
        _ => keep(number, 1, 0),
    }
}

/// `138****5678`
pub fn phone(number: &str) -> String {
    if number.chars().count() >= 11 { keep(number, 3, 4) } else { keep(number, 1, 1) }
}

/// `张*`, however long the name is.
pub fn name(name: &str) -> String {
    name.chars().take(1).chain(['*']).collect()
}

/// `CD20261122****17`: the last six but two are hidden.
pub fn application_number(number: &str) -> String {
    match number.chars().count() {
        count @ 8.. => keep(number, count - 6, 2),
        _ => keep(number, 1, 1),
    }
}

fn keep(value: &str, first: usize, last: usize) -> String {
    let count = value.chars().count();
    value.chars().enumerate().map(|(i, c)| if i < first || i + last >= count { c } else { '*' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enough_is_left_to_recognise_and_no_more() {
        assert_eq!(id_number("11010519491231002X"), "110105********002X");
        assert_eq!(id_number("E12345678"), "E1*****78");
        assert_eq!(id_number("1234"), "1***");
        assert_eq!(phone("13812345678"), "138****5678");
        assert_eq!(application_number("CD20261122000017"), "CD20261122****17");
        assert_eq!(application_number("A1"), "A1");
        assert_eq!(name("张三丰"), "张*");
        assert_eq!(name("䶮"), "䶮*");
        assert_eq!(id_number(""), "");
    }
}
