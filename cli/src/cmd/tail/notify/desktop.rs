//! Desktops of freedesktop.org: `notify-send`.

/// What tells.
pub(super) const PROGRAM: Option<&str> = Some("notify-send");

/// What it is called with. It takes `\` in the text as the beginning of an escape, and the desktop takes `<`, `>` and `&` as
/// markup: both are to be shown as they are.
pub(super) fn arguments(title: &str, text: &str) -> Vec<String> {
    let text = text.replace('\\', "\\\\").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    vec!["--app-name=c2c".to_owned(), "--".to_owned(), title.to_owned(), text]
}

#[cfg(test)]
mod tests {
    use super::arguments;

    #[test]
    fn nothing_in_a_text_is_an_option_an_escape_or_markup() {
        let arguments = arguments("--title", "--icon=x <b>\\033[2J</b> & so on");
        assert_eq!(
            arguments.get(1..),
            Some(
                &[
                    "--".to_owned(),
                    "--title".to_owned(),
                    "--icon=x &lt;b&gt;\\\\033[2J&lt;/b&gt; &amp; so on".to_owned(),
                ][..]
            )
        );
    }
}
