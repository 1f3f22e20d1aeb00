//! What the engine can do for a clause: the behaviours that a definition may name, each with the test that
//! shows it. `conformance` prints clause → behaviour → test from here.

/// A behaviour of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behaviour {
    /// Name used in definitions.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub does: &'static str,
    /// Name of a test that shows it.
    pub test: &'static str,
}

/// All behaviours, by name.
pub const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        name: "access_log",
        does: "Every read names the records served, before the first byte leaves.",
        test: "a_read_is_logged_with_the_records_served",
    },
    Behaviour {
        name: "access_report",
        does: "Who could see a record at an instant, who did and who received it, each with grant and clause.",
        test: "the_access_report_says_who_could_who_did_and_who_received",
    },
    Behaviour {
        name: "aggregates",
        does: "Counts and sums over other records are computed as of any date, never entered.",
        test: "headcount_and_loads_follow_the_records_as_of_any_date",
    },
    Behaviour {
        name: "backups",
        does: "A copy a day is made, restored to verify it, and removed on the day that the statute says; an alarm when it is late.",
        test: "the_copies_of_spring_2028_are_thinned_out_as_the_statute_says",
    },
    Behaviour {
        name: "base_document_kinds",
        does: "Only the kinds of base documents that the statute lists are taken.",
        test: "a_document_kind_outside_the_statute_is_refused_with_its_clause",
    },
    Behaviour {
        name: "base_document_required",
        does: "No entry without a base document.",
        test: "no_document_no_entry",
    },
    Behaviour {
        name: "closing",
        does: "The register closes on a decision of the kind that the statute names, approved by a second person; from its day nothing is entered.",
        test: "a_register_closes_on_a_decision_and_from_its_day_nothing_is_entered",
    },
    Behaviour {
        name: "closing_act",
        does: "Over what was handed over and destroyed acts are drawn up, numbered and bound to the log.",
        test: "everything_goes_as_decided_and_the_catalogue_says_closed_with_the_acts",
    },
    Behaviour {
        name: "closing_package",
        does: "What is handed over leaves as a package with counts, digests and the whole log, which can be read back to the same root.",
        test: "the_package_read_back_has_the_same_root_and_the_same_records",
    },
    Behaviour {
        name: "closing_plan",
        does: "For every class of data it is decided whether it is handed over or destroyed, and from which day.",
        test: "a_decision_says_of_every_class_what_becomes_of_it_and_names_what_stands_open",
    },
    Behaviour {
        name: "closing_steps",
        does: "Each step that other law asks for is done with its reference, or it is said why not.",
        test: "the_steps_of_other_law_are_done_or_reasoned",
    },
    Behaviour {
        name: "complaint_clock",
        does: "A complaint has one month, and is closed only after a decision and a notice.",
        test: "a_complaint_has_one_month_and_needs_a_decision_and_a_notice",
    },
    Behaviour {
        name: "confirmation_by_head",
        does: "Only the head confirms what the institution holds, and the receipt names the clause by which the head answers for it.",
        test: "only_the_head_confirms",
    },
    Behaviour {
        name: "confirmation_dates",
        does: "Each kind of institution has its own days to confirm, with reminders before them and the controller told after.",
        test: "schools_and_preschools_have_their_own_days",
    },
    Behaviour {
        name: "confirmation_snapshot",
        does: "What was confirmed is sealed record by record, and any one of them can be proved later.",
        test: "what_was_confirmed_is_proved_a_year_later",
    },
    Behaviour {
        name: "consent_gate",
        does: "A value that needs consent is refused without one and after its withdrawal.",
        test: "a_value_that_needs_consent_is_refused_without_it",
    },
    Behaviour {
        name: "correction",
        does: "A wrong entry is superseded by a correction with a reason, and stays readable.",
        test: "a_correction_keeps_the_wrong_entry_and_says_why",
    },
    Behaviour {
        name: "cross_record_checks",
        does: "Checks look across the records of an institution and of a person before anything is confirmed.",
        test: "checks_look_across_records",
    },
    Behaviour {
        name: "current_data",
        does: "A change is seen by the next read of everybody with the right.",
        test: "a_change_is_seen_by_the_next_reader",
    },
    Behaviour {
        name: "definition_states",
        does: "The definition says it, and everybody who may log in can read it there.",
        test: "the_definition_says_who_what_and_why",
    },
    Behaviour {
        name: "derived_values",
        does: "Values that follow from others are computed and cannot be entered.",
        test: "derived_values_are_computed_and_cannot_be_entered",
    },
    Behaviour {
        name: "digital_files",
        does: "Documents are stored once, by digest, typed by their content.",
        test: "a_file_is_stored_once_and_typed_by_its_content",
    },
    Behaviour {
        name: "disclosure_ledger",
        does: "Every release is in a ledger that only grows: what left, to whom, on what ground, for what purpose.",
        test: "the_ledger_shows_what_left_to_whom_and_why",
    },
    Behaviour {
        name: "disclosure_release",
        does: "Only what was granted leaves; what is withheld cannot be asked for.",
        test: "a_release_holds_only_what_was_granted",
    },
    Behaviour {
        name: "entry_by_role",
        does: "Only roles that the policies permit enter, change and end data.",
        test: "the_policy_matrix_is_what_a_lawyer_approved",
    },
    Behaviour {
        name: "exchange",
        does: "What goes to or comes from another register follows a profile of the definition and stands in the ledger.",
        test: "what_goes_to_another_register_stands_in_the_ledger",
    },
    Behaviour {
        name: "field_validation",
        does: "The listed data and no other are taken, each by its own rules.",
        test: "every_constraint_is_reported_with_pointer_and_clause",
    },
    Behaviour {
        name: "grant_appointment",
        does: "A role is granted, changed and ended only by whom the statute names, on a basis it names, never for oneself.",
        test: "an_administrator_is_made_only_by_whom_the_statute_names",
    },
    Behaviour {
        name: "grant_log",
        does: "Granting, changing and ending access are kept in a log that only grows.",
        test: "granting_changing_and_ending_are_in_the_grant_log",
    },
    Behaviour {
        name: "held_by",
        does: "An institution holds only the kinds of records that the statute gives to its kind.",
        test: "an_institution_holds_only_what_the_statute_gives_it",
    },
    Behaviour {
        name: "import_sheets",
        does: "A whole sheet of records is checked, previewed and entered as one act.",
        test: "a_school_is_imported_from_a_sheet",
    },
    Behaviour {
        name: "incident_notices",
        does: "An incident reaches all whom the statute names in the act that reports it.",
        test: "an_incident_tells_three_parties_at_once",
    },
    Behaviour {
        name: "instructions",
        does: "Proposals and instructions reach the processor, who acknowledges each before it is closed.",
        test: "an_instruction_is_acknowledged_before_it_is_closed",
    },
    Behaviour {
        name: "leaver_clock",
        does: "When employment ends, login is refused from the day after, and the rights end by the day the statute sets.",
        test: "a_leavers_rights_end_on_the_next_working_day",
    },
    Behaviour {
        name: "legal_effect",
        does: "What the data mean in law stands on everything that leaves.",
        test: "what_leaves_says_what_it_means_in_law",
    },
    Behaviour {
        name: "legal_need_gate",
        does: "A value that is lawful only for a named need is refused without it.",
        test: "children_need_a_named_legal_need_and_must_be_minors",
    },
    Behaviour {
        name: "lifecycle",
        does: "Pending, active and ended follow from the dates; both boundary days are active.",
        test: "a_record_is_active_from_its_first_to_its_last_day",
    },
    Behaviour {
        name: "login_required",
        does: "Nothing but public descriptions is served without a login; attempts are limited and logged.",
        test: "nothing_is_served_without_a_valid_token",
    },
    Behaviour {
        name: "named_person",
        does: "Each entry names the natural person who made it, in which role.",
        test: "each_entry_names_the_person_who_made_it",
    },
    Behaviour {
        name: "official_names",
        does: "The official and short names are used everywhere.",
        test: "the_definition_says_who_what_and_why",
    },
    Behaviour {
        name: "own_data",
        does: "People see the data that the register holds about them.",
        test: "a_data_subject_sees_their_own_record_and_no_other",
    },
    Behaviour {
        name: "prescription",
        does: "A supervisor's order goes to the processor with the day it names, and is answered and verified.",
        test: "an_order_goes_to_the_processor_with_its_day",
    },
    Behaviour {
        name: "processor_activity",
        does: "What the processor did in a period can be read.",
        test: "what_the_processor_did_in_a_period_can_be_read",
    },
    Behaviour {
        name: "processor_contract",
        does: "A processor's users have access for a task and between the days of its contract only.",
        test: "a_processors_access_lies_within_its_contract",
    },
    Behaviour {
        name: "processor_limits",
        does: "The processor reads what its task needs and enters nothing.",
        test: "the_policy_matrix_is_what_a_lawyer_approved",
    },
    Behaviour {
        name: "publication",
        does: "Exactly the public fields of active records are published, on a second person's approval.",
        test: "only_the_public_fields_of_active_records_are_published",
    },
    Behaviour {
        name: "queue_order",
        does: "Applicants stand in the order that the definition lays down, and each can see their place and why.",
        test: "an_applicant_sees_their_place_and_why",
    },
    Behaviour {
        name: "recipient_notices",
        does: "Whoever received a value that is corrected later is told, by a day and with proof.",
        test: "a_corrected_value_is_told_to_everyone_who_received_it",
    },
    Behaviour {
        name: "record_moves",
        does: "A person moves from one record to the next by an act with its document, and the link is kept.",
        test: "a_child_moves_and_the_links_stay",
    },
    Behaviour {
        name: "references",
        does: "Records refer to records that exist, of the right kind and institution, on that day.",
        test: "a_reference_must_exist_in_the_same_institution_on_that_day",
    },
    Behaviour {
        name: "release_weighing",
        does: "A decision to release answers the statute's questions in words; the wrong answer refuses.",
        test: "the_decision_answers_both_questions_in_words",
    },
    Behaviour {
        name: "request_clocks",
        does: "Each kind of request has its time, its one extension with reasons, and its refusal with a clause.",
        test: "requests_have_their_statutory_clocks",
    },
    Behaviour {
        name: "retention_declared",
        does: "Every field has a retention rule.",
        test: "a_field_without_a_retention_rule_is_a_fault",
    },
    Behaviour {
        name: "revocation_grounds",
        does: "A grant is ended only on a ground that the statute lists.",
        test: "a_grant_ends_only_on_a_listed_ground",
    },
    Behaviour {
        name: "section_rights",
        does: "A grant covers sections; what it does not cover is absent and named.",
        test: "what_a_grant_does_not_cover_is_absent_and_named",
    },
    Behaviour {
        name: "security_class",
        does: "Class and level are declared and agree.",
        test: "a_level_that_does_not_follow_from_the_class_is_a_fault",
    },
    Behaviour {
        name: "sole_user",
        does: "Ending the right of the only user is decided by whom the statute names.",
        test: "the_sole_users_right_is_ended_by_whom_the_statute_names",
    },
    Behaviour {
        name: "source_locked",
        does: "A value whose source is another register is not changed here, or is marked until the source brings it again.",
        test: "a_value_from_elsewhere_is_not_changed_here",
    },
    Behaviour {
        name: "statistical_report",
        does: "Reports hold aggregates only; small cells are hidden, also from whoever subtracts.",
        test: "a_report_hides_small_cells",
    },
    Behaviour {
        name: "subject_notice",
        does: "What people send about their own data becomes a task and changes no record.",
        test: "an_own_notice_changes_no_record",
    },
    Behaviour {
        name: "supervision",
        does: "Supervisors read who did and saw what; their reading is logged.",
        test: "a_supervisor_reads_who_saw_what_and_is_logged",
    },
    Behaviour {
        name: "tamper_evidence",
        does: "Anybody with an old checkpoint can prove that nothing before it was altered.",
        test: "a_checkpoint_proves_that_nothing_was_altered",
    },
];

/// The behaviour called `name`.
pub fn find(name: &str) -> Option<&'static Behaviour> {
    BEHAVIOURS.iter().find(|b| b.name == name)
}
