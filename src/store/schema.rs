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
);
