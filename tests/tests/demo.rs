//! `make demo` plays to its end, and shows what matters, in order.

use std::process::{Command, Output};

fn demo() -> Output {
    let built = sluice_tests::built::sluice();
    built.unwrap_or_else(|problem| panic!("{problem}, and so does testing the whole workspace"));
    let demo = env!("CARGO_BIN_EXE_demo");
    Command::new(demo).output().expect("it was built with this test")
}

#[test]
fn the_loop_is_played_to_its_end() {
    let played = demo();
    let text = String::from_utf8_lossy(&played.stdout);
    let errors = String::from_utf8_lossy(&played.stderr);
    assert_eq!(played.status.code(), Some(0), "{text}\n{errors}");
    let mut rest = &*text;
    for part in [
        "$ sluice serve",
        "==== 1. Observe",
        "sb_1$ curl",
        "\n200\n",
        "would reject",
        "==== 2. Review",
        "$ sluice suggestions",
        "$ sluice coverage",
        "==== 3. Simulate",
        "1 destination would be rejected",
        "==== 4. Lock down",
        "$ sluice lockdown --resource sandbox/sb_1 --yes --wait",
        "have the policy",
        "\n200\n",
        "\n000\n",
        "==== 5. Operate",
        "$ sluice pending",
        "$ sluice approve",
        "ms after the approval",
        "\n200\n",
        "==== 6. A host on trial",
        "--warn-only",
        "\n200\n",
        "==== 7. A rule for four seconds",
        "\n200\n",
        "\n000\n",
        "==== 8. Roll back",
        "\n000\n",
        "$ sluice policy rollback",
        "\n200\n",
        "==== 9. Clone",
        "$ sluice policy clone sandbox/sb_1 --resource 'sandbox/sb_*'",
        "sb_3$ curl",
        "\n000\n",
        "==== 10. Inherit",
        "--template python",
        "sb_4$ curl",
        "\n000\n",
        "==== 11. The tenant's guardrail",
        "$ sluice deny 169.254.169.254 --tenant",
        "EGRESS_HOST_NOT_ALLOWED",
        "==== 12. The tenant's default",
        "sb_5$ curl",
        "\n000\n",
        "It took",
    ] {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("no {part:?} after what came before it:\n{text}");
        };
        rest = after;
    }
}
