//! Whether numbers are kept exactly on their way through this program.
//!
//! A number is a whole one of 64 bits or a floating-point one here. What is neither, without being changed, has to be
//! refused where JSON is stored as it was given. Knows neither MCP nor tools.

use serde_json::Number;

/// The first number in a JSON text that would be another one afterwards.
#[must_use]
pub(crate) fn first_changed(json: &[u8]) -> Option<&str> {
    let mut rest = json;
    while let Some((first, after)) = rest.split_first() {
        match first {
            b'"' => rest = after_string(after),
            b'-' | b'0'..=b'9' => {
                let end = rest.iter().position(|byte| !is_of_number(*byte)).unwrap_or(rest.len());
                let (number, after) = rest.split_at(end);
                if let Ok(number) = std::str::from_utf8(number)
                    && !is_kept(number)
                {
                    return Some(number);
                }
                rest = after;
            }
            _ => rest = after,
        }
    }
    None
}

/// What follows a string whose first quote was read.
pub(crate) fn after_string(json: &[u8]) -> &[u8] {
    let mut escaped = false;
    for (at, byte) in json.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return &json[at + 1..],
            _ => {}
        }
    }
    &[]
}

const fn is_of_number(byte: u8) -> bool {
    matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')
}

fn is_kept(number: &str) -> bool {
    if number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok() {
        return true;
    }
    let kept = number.parse().ok().and_then(Number::from_f64).map(|kept| kept.to_string());
    kept.is_some_and(|kept| decimal(number).is_some_and(|given| Some(given) == decimal(&kept)))
}

/// A number's sign, its digits without zeros at either end, and the power of ten of the last digit.
fn decimal(number: &str) -> Option<(bool, String, i64)> {
    let (negative, number) = number.strip_prefix('-').map_or((false, number), |rest| (true, rest));
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some((false, String::new(), 0));
    }
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    let shift = i64::try_from(zeros).ok()? - i64::try_from(fraction.len()).ok()?;
    let exponent = exponent.parse::<i64>().ok()?.checked_add(shift)?;
    Some((negative, significant.to_owned(), exponent))
}

#[cfg(test)]
mod tests {
    use super::first_changed;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn what_stays_and_what_would_change() {
        for kept in [
            "0",
            "-0",
            "-0.0",
            "0e5",
            "1.10",
            "1e2",
            "1E+2",
            "100e-2",
            "0.1",
            "18446744073709551615",
            "-9223372036854775808",
            "1.7976931348623157e308",
            "5e-324",
            "0.30000000000000004",
            "1e20",
            "100000000000000000000",
            r#"{"a": "1e400", "\"1e400": [true, null, "\\"], "b": -1.5}"#,
            "not 1 json \"1e400",
            "",
        ] {
            assert_eq!(first_changed(kept.as_bytes()), None, "{kept}");
        }
        for changed in [
            "123456789012345678901234567890.10",
            "18446744073709551616",
            "-9223372036854775809",
            "1e400",
            "-1e400",
            "1e-400",
            "0.1000000000000000055511151231257827",
            "1e99999999999999999999999",
            "9007199254740993.0",
        ] {
            assert_eq!(first_changed(changed.as_bytes()), Some(changed));
            let inside = format!("{{\"x\":[1,\"\\\"2e400\",{changed}]}}");
            assert_eq!(first_changed(inside.as_bytes()), Some(changed));
        }
    }

    proptest! {
        #[test]
        fn every_number_that_can_be_written_is_kept(float in any::<f64>(), whole in any::<i64>(), positive in any::<u64>()) {
            let text = serde_json::json!([float, whole, positive]).to_string();
            prop_assert_eq!(first_changed(text.as_bytes()), None);
        }

        #[test]
        fn what_is_kept_comes_back_as_it_was(digits in "-?[1-9][0-9]{0,25}(\\.[0-9]{0,20}[1-9])?") {
            if first_changed(digits.as_bytes()).is_none() {
                let back = serde_json::from_str::<Value>(&digits).unwrap().to_string();
                prop_assert_eq!(first_changed(back.as_bytes()), None);
                prop_assert_eq!(super::decimal(&back), super::decimal(&digits));
            }
        }

        #[test]
        fn never_fails_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = first_changed(&bytes);
        }
    }
}
