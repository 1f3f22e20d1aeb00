# Letters in English. The variables are listed in src/locale.rs.

-greeting = Dear recipient,

-footer = This message was sent automatically. Please do not reply to it.

facts =
    Register: { $register }
    Number: { $number }
    Legal basis: { $clause }

# Where the value is "none", there is no line.
due-line = { $due ->
    [none] { "" }
   *[other] { "\u000A" }Due date: { $due }
}

open =
    You can find the details in the register:
    { $link }

case-opened-subject = A new case has been opened, no. { $number }
case-opened-body =
    { -greeting }

    We would like to inform you that a case to which you are a party has been opened.

    { facts }
    Type of case: { $case_kind }{ due-line }

    { open }

    { -footer }

case-message-subject = New message in case no. { $number }
case-message-body =
    { -greeting }

    You have a new message in a case to which you are a party. We do not send its content by email; you can read it in the register.

    { facts }

    { open }

    { -footer }

case-decided-subject = Decision in case no. { $number }
case-decided-body =
    { -greeting }

    A decision has been made in a case to which you are a party.

    { facts }

    Decision:
    { $decision }

    How to appeal:
    { $remedies }

    { open }

    { -footer }

case-due-soon-subject = The due date of case no. { $number } is approaching
case-due-soon-body =
    { -greeting }

    This is a reminder that the due date of the case is approaching. Please take the necessary steps in time.

    { facts }{ due-line }

    { open }

    { -footer }

case-overdue-subject = Case no. { $number } is overdue
case-overdue-body =
    { -greeting }

    The due date of the case has passed, but a required step has not been taken. Please take it without delay.

    { facts }{ due-line }

    { open }

    { -footer }

incident-subject = URGENT: incident no. { $number }
incident-body =
    { -greeting }

    An incident that requires your immediate action has been recorded. Please open the incident at once and take the necessary steps.

    { facts }{ due-line }

    { open }

    { -footer }

prescription-forwarded-subject = A prescription has been forwarded to you, no. { $number }
prescription-forwarded-body =
    { -greeting }

    A prescription that concerns the register has been forwarded to you. Please read it and comply with it.

    { facts }{ due-line }

    { open }

    { -footer }

disclosure-decided-subject = Decision on request for disclosure no. { $number }
disclosure-decided-body =
    { -greeting }

    { $outcome ->
        [granted] Your request for the disclosure of data has been granted.
        [partly] Your request for the disclosure of data has been granted in part.
        [refused] Your request for the disclosure of data has been refused.
       *[other] A decision has been made on your request for the disclosure of data.
    } You can read the reasons for the decision in the register.

    { facts }

    How to appeal:
    { $remedies }

    { open }

    { -footer }

disclosure-released-subject = The requested data have been released, request no. { $number }
disclosure-released-body =
    { -greeting }

    The data that you requested have been released to you. We do not send data by email; you can obtain them from the register. Please use the data only for the purpose stated in the request.

    { facts }

    { open }

    { -footer }

value-corrected-subject = Data released to you have been corrected, release no. { $number }
value-corrected-body =
    { -greeting }

    There was an error in the data that were released to you under the number below. It has been corrected in the register.

    { facts }
    Date of release: { $released_on }
    Data corrected: { $fields }

    Please correct these data in your own records too, and inform those to whom you have passed them on. You can find the correct data in the register.

    { open }

    { -footer }

access-ends-subject = Access rights must be ended, entry no. { $number }
access-ends-body =
    { -greeting }

    A user of the register is leaving their post, so their access rights must be ended as well. Please do so by the due date.

    { facts }{ due-line }

    { open }

    { -footer }

access-overdue-subject = Access rights have not been ended in time, entry no. { $number }
access-overdue-body =
    { -greeting }

    The due date for ending the access rights has passed, but the rights are still in force. Please end them without delay.

    { facts }{ due-line }

    { open }

    { -footer }

recertification-due-subject = Access rights are due for review, entry no. { $number }
recertification-due-body =
    { -greeting }

    It is time to review the access rights to the register. By the due date, please confirm the rights that are still needed and end the others.

    { facts }{ due-line }

    { open }

    { -footer }

application-decided-subject = Decision on application no. { $number }
application-decided-body =
    { -greeting }

    A decision has been made on your application. You can read the decision and the reasons for it in the register.

    { facts }

    { open }

    { -footer }

publication-waiting-subject = A publication is awaiting approval, entry no. { $number }
publication-waiting-body =
    { -greeting }

    A publication of data has been prepared and is awaiting your approval. Before approving it, please make sure that the data contain nothing that may not be made public.

    { facts }

    { open }

    { -footer }

held-elsewhere-subject = The same person in two institutions, entry no. { $number }
held-elsewhere-body =
    { -greeting }

    A person about whom your institution has an active entry in the register is entered with another institution at the same time. Please check whether your institution's entry is right. We do not send data about the person or the other institution by email.

    { facts }

    { open }

    { -footer }

# Not a letter: what an applicant is told of their place.
queue-place = Number { $number } of { $of } in the queue.
queue-ahead = Ahead { $count }: { $label }.
queue-first = Nobody is ahead.

confirmation-opens-subject = Confirmation of data is open, no. { $number }
confirmation-opens-body =
    { -greeting }

    The data of your institution can now be confirmed. Please look through them, correct what is wrong and confirm them by the due date.

    { facts }
    Duty: { $duty }
    Institution: { $institution }{ due-line }

    { open }

    { -footer }

confirmation-due-subject = Data are waiting to be confirmed, no. { $number }
confirmation-due-body =
    { -greeting }

    This is a reminder that the data of your institution have not been confirmed. Please confirm them by the due date.

    { facts }
    Duty: { $duty }
    Institution: { $institution }{ due-line }

    { open }

    { -footer }

confirmation-overdue-subject = Data were not confirmed in time, no. { $number }
confirmation-overdue-body =
    { -greeting }

    The institution has not confirmed its data by the due date.

    { facts }
    Duty: { $duty }
    Institution: { $institution }{ due-line }

    { open }

    { -footer }

backup-overdue-subject = A backup is overdue ({ $number })
backup-overdue-body =
    { -greeting }

    No verified backup of the register was made in time. Please check that backups work and that there is room on the disk.

    { facts }
    Last verified backup: { $last }

    { open }

    { -footer }
