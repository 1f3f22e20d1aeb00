//! Tests.
use super::samples::*;
use super::*;

#[test]
fn a_full_record_of_an_employee_is_sound() {
    for definition in definitions() {
        Compiled::new(&definition).unwrap();
    }
    let definition = definition("EE", &[EMPLOYEE], LISTS);
    let compiled = Compiled::new(&definition).unwrap();
    let record_type = record_type(&definition, "employee");
    let v = Validation {
        definition: &definition,
        compiled: &compiled,
        record_type,
        effective_on: day("2024-05-01"),
        today: day("2024-05-02"),
    };
    assert_eq!(v.state(&employee()), []);
    let data = employee();
    let t = std::time::Instant::now();
    for _ in 0..10000 {
        std::hint::black_box(v.state(std::hint::black_box(&data)));
    }
    println!("{:?}", t.elapsed() / 10000);
}
