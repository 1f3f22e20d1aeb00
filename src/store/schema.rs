//! The tables, as both migrations make them. Private to the store: nothing else can name a table.

diesel::table! {
    audit_event (register, id) {
        register -> Text,
        id -> Text,
        recorded_at -> BigInt,
        kind -> Text,
        action -> Text,
        decision -> Text,
        actor_id -> Nullable<Text>,
        commitment -> Binary,
    }
}

diesel::table! {
    audit_payload (register, event_id) {
        register -> Text,
        event_id -> Text,
        salt -> Binary,
        body -> Text,
    }
}

diesel::table! {
    audit_subject (register, record_id, event_id) {
        register -> Text,
        record_id -> Text,
        event_id -> Text,
    }
}

diesel::table! {
    audit_queue (register, event_id) {
        register -> Text,
        event_id -> Text,
    }
}

diesel::table! {
    audit_leaf (register, seq) {
        register -> Text,
        seq -> BigInt,
        event_id -> Text,
        hash -> Binary,
    }
}

diesel::table! {
    audit_node (register, level, position) {
        register -> Text,
        level -> BigInt,
        position -> BigInt,
        hash -> Binary,
    }
}

diesel::table! {
    audit_head (register) {
        register -> Text,
        size -> BigInt,
        frontier -> Binary,
    }
}

diesel::table! {
    audit_checkpoint (register, size) {
        register -> Text,
        size -> BigInt,
        note -> Text,
        made_at -> BigInt,
    }
}

diesel::table! {
    definition (register, digest) {
        register -> Text,
        digest -> Text,
        in_force_from -> Text,
        body -> Text,
        loaded_at -> BigInt,
        audit_id -> Text,
    }
}

diesel::table! {
    record (register, id) {
        register -> Text,
        id -> Text,
        record_type -> Text,
        institution_id -> Text,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    entry (register, id) {
        register -> Text,
        id -> Text,
        record_id -> Text,
        number -> BigInt,
        kind -> Text,
        effective_on -> Text,
        recorded_at -> BigInt,
        data -> Text,
        reason -> Nullable<Text>,
        supersedes -> Nullable<Text>,
        actor_id -> Text,
        definition -> Text,
        audit_id -> Text,
        source -> Nullable<Text>,
    }
}

diesel::table! {
    record_state (register, record_id, from_day) {
        register -> Text,
        record_id -> Text,
        from_day -> Text,
        until_day -> Text,
        effective_on -> Text,
        record_type -> Text,
        institution_id -> Text,
        begins_on -> Text,
        ends_on -> Text,
        data -> Text,
    }
}

diesel::table! {
    record_index (register, record_type, field, value, record_id, from_day) {
        register -> Text,
        record_type -> Text,
        field -> Text,
        value -> Text,
        record_id -> Text,
        from_day -> Text,
        until_day -> Text,
        institution_id -> Text,
        begins_on -> Text,
        ends_on -> Text,
        amount -> Nullable<BigInt>,
    }
}

diesel::table! {
    stored_file (register, sha256) {
        register -> Text,
        sha256 -> Text,
        size -> BigInt,
        media_type -> Text,
        bytes -> Binary,
        stored_at -> BigInt,
        stored_by -> Text,
        audit_id -> Text,
    }
}

diesel::table! {
    base_document (register, id) {
        register -> Text,
        id -> Text,
        kind -> Text,
        institution_id -> Nullable<Text>,
        body -> Text,
        sha256 -> Nullable<Text>,
        file_name -> Nullable<Text>,
        added_at -> BigInt,
        added_by -> Text,
        audit_id -> Text,
    }
}

diesel::table! {
    entry_document (register, entry_id, document_id) {
        register -> Text,
        entry_id -> Text,
        document_id -> Text,
    }
}

diesel::table! {
    app_user (register, id) {
        register -> Text,
        id -> Text,
        username -> Text,
        personal_code -> Nullable<Text>,
        display_name -> Text,
        password_hash -> Text,
        blocked -> BigInt,
        created_at -> BigInt,
        audit_id -> Text,
        email -> Nullable<Text>,
        language -> Nullable<Text>,
    }
}

diesel::table! {
    session (register, id) {
        register -> Text,
        id -> Text,
        user_id -> Text,
        opened_at -> BigInt,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    refresh_token (register, digest) {
        register -> Text,
        digest -> Text,
        session_id -> Text,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    login_throttle (register, key) {
        register -> Text,
        key -> Text,
        failures -> BigInt,
        not_before -> BigInt,
    }
}

diesel::table! {
    access_grant (register, id) {
        register -> Text,
        id -> Text,
        user_id -> Text,
        role -> Text,
        institution_id -> Nullable<Text>,
        from_day -> Text,
        until_day -> Text,
        revoked_at -> Nullable<BigInt>,
        version -> BigInt,
        body -> Text,
        audit_id -> Text,
    }
}

diesel::table! {
    grant_log (register, id) {
        register -> Text,
        id -> Text,
        grant_id -> Text,
        user_id -> Text,
        act -> Text,
        recorded_at -> BigInt,
        actor_id -> Nullable<Text>,
        body -> Text,
        audit_id -> Text,
    }
}

diesel::table! {
    idempotency (register, user_id, key) {
        register -> Text,
        user_id -> Text,
        key -> Text,
        request_digest -> Binary,
        result_id -> Text,
        recorded_at -> BigInt,
    }
}

diesel::table! {
    lease (register, name) {
        register -> Text,
        name -> Text,
        holder -> Text,
        until_at -> BigInt,
    }
}

diesel::table! {
    unique_key (register, key) {
        register -> Text,
        key -> Text,
        record_id -> Text,
    }
}

diesel::table! {
    case_file (register, id) {
        register -> Text,
        id -> Text,
        kind -> Text,
        state -> Text,
        institution_id -> Nullable<Text>,
        record_id -> Nullable<Text>,
        opened_by -> Text,
        opened_at -> BigInt,
        due_at -> Nullable<BigInt>,
        closed_at -> Nullable<BigInt>,
        version -> BigInt,
        body -> Text,
        audit_id -> Text,
    }
}

diesel::table! {
    case_step (register, case_id, number) {
        register -> Text,
        case_id -> Text,
        number -> BigInt,
        act -> Text,
        made_at -> BigInt,
        made_by -> Text,
        body -> Text,
        audit_id -> Text,
    }
}

diesel::table! {
    disclosure (register, id) {
        register -> Text,
        id -> Text,
        case_id -> Nullable<Text>,
        released_at -> BigInt,
        channel -> Text,
        recipient_code -> Nullable<Text>,
        record_type -> Nullable<Text>,
        digest -> Text,
        body -> Text,
        audit_id -> Text,
    }
}

diesel::table! {
    disclosure_subject (register, record_id, disclosure_id) {
        register -> Text,
        record_id -> Text,
        disclosure_id -> Text,
    }
}

diesel::table! {
    publication (register, id) {
        register -> Text,
        id -> Text,
        record_type -> Text,
        state -> Text,
        as_of -> Text,
        proposed_at -> BigInt,
        proposed_by -> Text,
        decided_at -> Nullable<BigInt>,
        decided_by -> Nullable<Text>,
        public_from -> Nullable<BigInt>,
        public_until -> Nullable<BigInt>,
        withdrawn_by -> Nullable<Text>,
        withdrawn_for -> Nullable<Text>,
        digest -> Text,
        body -> Text,
        audit_id -> Text,
    }
}

diesel::table! {
    publication_row (register, publication_id, number) {
        register -> Text,
        publication_id -> Text,
        number -> BigInt,
        record_id -> Text,
        difference -> Text,
        body -> Nullable<Text>,
        earlier -> Nullable<Text>,
    }
}

diesel::table! {
    report_delivery (register, report, number) {
        register -> Text,
        report -> Text,
        number -> BigInt,
        as_of -> Text,
        disclosure_id -> Text,
    }
}

diesel::table! {
    outbox (register, id) {
        register -> Text,
        id -> Text,
        state -> Text,
        letter -> Text,
        address -> Text,
        language -> Text,
        words -> Text,
        case_id -> Nullable<Text>,
        created_at -> BigInt,
        next_at -> BigInt,
        attempts -> BigInt,
        fault -> Nullable<Text>,
        sent_at -> Nullable<BigInt>,
        stage -> Nullable<Text>,
        audit_id -> Text,
    }
}

diesel::table! {
    job_run (register, job, due_at) {
        register -> Text,
        job -> Text,
        due_at -> BigInt,
        node -> Text,
        started_at -> BigInt,
        lease_until -> BigInt,
        finished_at -> Nullable<BigInt>,
        outcome -> Nullable<Text>,
        detail -> Nullable<Text>,
    }
}

diesel::table! {
    leaver (register, user_id) {
        register -> Text,
        user_id -> Text,
        record_id -> Text,
        last_day -> Text,
        due_on -> Text,
        case_id -> Text,
    }
}

diesel::table! {
    leaver_log (register, id) {
        register -> Text,
        id -> Text,
        user_id -> Text,
        last_day -> Nullable<Text>,
        recorded_at -> BigInt,
        audit_id -> Text,
    }
}

diesel::table! {
    saved_query (register, id) {
        register -> Text,
        id -> Text,
        user_id -> Text,
        name -> Text,
        body -> Text,
        saved_at -> BigInt,
        audit_id -> Text,
    }
}

diesel::table! {
    review (register, id) {
        register -> Text,
        id -> Text,
        signed_at -> BigInt,
        signed_by -> Text,
        body -> Text,
        audit_id -> Text,
    }
}

diesel::table! {
    record_move (register, id) {
        register -> Text,
        id -> Text,
        name -> Text,
        state -> Text,
        from_record -> Text,
        from_institution -> Text,
        into_institution -> Text,
        into_record -> Nullable<Text>,
        effective_on -> Text,
        begun_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        body -> Text,
        audit_id -> Text,
    }
}

diesel::table! {
    record_event (register, record_id, event, audit_id) {
        register -> Text,
        record_id -> Text,
        event -> Text,
        on_day -> Text,
        audit_id -> Text,
    }
}

diesel::table! {
    former_code (register, value, record_id) {
        register -> Text,
        value -> Text,
        record_id -> Text,
    }
}

diesel::table! {
    import_run (register, id) {
        register -> Text,
        id -> Text,
        record_type -> Text,
        institution_id -> Text,
        state -> Text,
        made_by -> Text,
        made_at -> BigInt,
        undone_at -> Nullable<BigInt>,
        sha256 -> Text,
        body -> Text,
        audit_id -> Text,
    }
}

diesel::table! {
    import_row (register, import_id, position) {
        register -> Text,
        import_id -> Text,
        position -> BigInt,
        record_id -> Text,
        entry_id -> Text,
        outcome -> Text,
    }
}

diesel::table! {
    column_mapping (register, user_id, record_type) {
        register -> Text,
        user_id -> Text,
        record_type -> Text,
        body -> Text,
        kept_at -> BigInt,
        audit_id -> Text,
    }
}

diesel::table! {
    exchange_run (register, id) {
        register -> Text,
        id -> Text,
        exchange -> Text,
        made_by -> Text,
        made_at -> BigInt,
        sha256 -> Text,
        disclosure_id -> Nullable<Text>,
        body -> Text,
        audit_id -> Text,
    }
}

diesel::table! {
    confirmation (register, id) {
        register -> Text,
        id -> Text,
        duty -> Text,
        institution_id -> Text,
        due_on -> Text,
        acts_by -> Text,
        opens_on -> Text,
        cancelled_at -> Nullable<BigInt>,
        confirmed_at -> Nullable<BigInt>,
        confirmed_on -> Nullable<Text>,
        confirmed_by -> Nullable<Text>,
        number -> Nullable<BigInt>,
        root -> Nullable<Text>,
        size -> Nullable<BigInt>,
        body -> Text,
        audit_id -> Text,
    }
}

diesel::table! {
    confirmed_record (register, confirmation_id, position) {
        register -> Text,
        confirmation_id -> Text,
        position -> BigInt,
        record_id -> Text,
        record_type -> Text,
        version -> BigInt,
        leaf -> Binary,
    }
}

diesel::table! {
    confirmation_note (register, id) {
        register -> Text,
        id -> Text,
        confirmation_id -> Text,
        kind -> Text,
        subject -> Text,
        made_by -> Text,
        made_at -> BigInt,
        body -> Text,
        audit_id -> Text,
    }
}

diesel::table! {
    calendar_feed (register, digest) {
        register -> Text,
        digest -> Text,
        user_id -> Text,
        made_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        audit_id -> Text,
    }
}

diesel::table! {
    browser_session (register, digest) {
        register -> Text,
        digest -> Text,
        session_id -> Text,
        user_id -> Text,
        csrf -> Text,
        state -> Text,
        seen_at -> BigInt,
        idle_until -> BigInt,
        ends_at -> BigInt,
    }
}

diesel::table! {
    draft (register, id) {
        register -> Text,
        id -> Text,
        user_id -> Text,
        form_key -> Text,
        body -> Text,
        as_subject -> BigInt,
        saved_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    saved_search (register, id) {
        register -> Text,
        id -> Text,
        user_id -> Text,
        record_type -> Text,
        name -> Nullable<Text>,
        query -> Text,
        saved_at -> BigInt,
        expires_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    user_setting (register, user_id) {
        register -> Text,
        user_id -> Text,
        body -> Text,
        saved_at -> BigInt,
    }
}

diesel::table! {
    pending_upload (register, id) {
        register -> Text,
        id -> Text,
        user_id -> Text,
        kind -> Text,
        name -> Text,
        bytes -> Binary,
        plan -> Text,
        saved_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    legal_hold (register, id) {
        register -> Text,
        id -> Text,
        scope -> Text,
        record_id -> Nullable<Text>,
        personal_code -> Nullable<Text>,
        record_type -> Nullable<Text>,
        until_day -> Text,
        set_at -> BigInt,
        set_by -> Text,
        lifted_at -> Nullable<BigInt>,
        body -> Text,
        audit_id -> Text,
    }
}

diesel::table! {
    retention_batch (register, id) {
        register -> Text,
        id -> Text,
        number -> BigInt,
        state -> Text,
        due_on -> Text,
        proposed_at -> BigInt,
        proposed_by -> Text,
        approved_at -> Nullable<BigInt>,
        approved_by -> Nullable<Text>,
        finished_at -> Nullable<BigInt>,
        version -> BigInt,
        body -> Text,
        audit_id -> Text,
    }
}

diesel::table! {
    retention_item (register, batch_id, position) {
        register -> Text,
        batch_id -> Text,
        position -> BigInt,
        record_id -> Text,
        record_type -> Text,
        rule -> Text,
        due_on -> Text,
        state -> Text,
        body -> Text,
    }
}

diesel::table! {
    erasure (register, record_id, batch_id) {
        register -> Text,
        record_id -> Text,
        batch_id -> Text,
        record_type -> Text,
        fields -> Nullable<Text>,
        rules -> Text,
        erased_at -> BigInt,
        audit_id -> Text,
    }
}

diesel::table! {
    retention_act (register, number) {
        register -> Text,
        kind -> Text,
        number -> BigInt,
        batch_id -> Text,
        made_at -> BigInt,
        digest -> Text,
        body -> Text,
        pdf -> Binary,
        audit_id -> Text,
    }
}

diesel::table! {
    erasing (register, record_id) {
        register -> Text,
        record_id -> Text,
    }
}

diesel::table! {
    register_closing (register, id) {
        register -> Text,
        id -> Text,
        state -> Text,
        closed_from -> Text,
        proposed_at -> BigInt,
        proposed_by -> Text,
        approved_at -> Nullable<BigInt>,
        approved_by -> Nullable<Text>,
        finished_at -> Nullable<BigInt>,
        version -> BigInt,
        body -> Text,
        audit_id -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    audit_event,
    audit_payload,
    audit_subject,
    audit_queue,
    audit_leaf,
    audit_node,
    audit_head,
    audit_checkpoint,
    definition,
    record,
    entry,
    record_state,
    record_index,
    stored_file,
    base_document,
    entry_document,
    app_user,
    session,
    refresh_token,
    login_throttle,
    access_grant,
    grant_log,
    idempotency,
    lease,
    unique_key,
    case_file,
    case_step,
    disclosure,
    disclosure_subject,
    publication,
    publication_row,
    report_delivery,
    outbox,
    job_run,
    leaver,
    leaver_log,
    saved_query,
    review,
    record_move,
    record_event,
    former_code,
    import_run,
    import_row,
    column_mapping,
    exchange_run,
    confirmation,
    confirmed_record,
    confirmation_note,
    calendar_feed,
    browser_session,
    draft,
    saved_search,
    user_setting,
    pending_upload,
    legal_hold,
    retention_batch,
    retention_item,
    erasure,
    register_closing,
    retention_act,
    erasing,
);
