//! Misuses of the guard that must not compile.

#[test]
fn a_write_without_audit_and_a_read_without_log_cannot_be_expressed() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
