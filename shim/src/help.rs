//! `c2c-shim --help`.

/// What `--help` prints.
pub const HELP: &str = "\
c2c-shim: lets an AI coding session exchange messages and state with the user's other sessions.

An MCP server on stdin and stdout. It is started by an MCP client, not by hand; in Claude Code:

    claude mcp add --scope user c2c -- c2c-shim

It starts the broker (c2c-broker, beside this program or on PATH) when none is running.

Options:
    --help       print this text
    --version    print the version

Environment:
    CLAUDE_C2C_DB             the store's path (default ~/.claude/c2c.db)
    C2C_NAME                  the session's name (default: the project folder's); - for none until
                              register_session is called
    C2C_PUSH                  how the session is told of mail: auto, socket, channel or off
                              (default: the configuration's, else auto)
    C2C_LOG                   what to log to stderr: error, warn, info or debug, also for single targets
                              (\"warn,c2c_proto=debug\"; default warn); with the word json among them
                              each line is a JSON object
    CLAUDE_PROJECT_DIR        the folder that the default name comes from (default: the working directory)
    CLAUDE_CODE_SESSION_ID    the client session's id, by which a resumed session gets its name back

Exit codes:
    0    the client closed the connection, asked by SIGINT or SIGTERM, or is gone
    1    the program could not start
    2    unknown option
";

/// What `--version` prints.
#[must_use]
pub fn version() -> String {
    format!("c2c-shim {}\n", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn help() {
        insta::assert_snapshot!(super::HELP);
    }
}
