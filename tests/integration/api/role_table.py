"""Who may call what, operation by operation: decided by people, not computed from `roles.yaml`.

Letters: o owner, a admin, c coach (of the team that the request is about), w author, e evaluator,
v viewer, d auditor.
"""

from collections.abc import Mapping
from typing import Final

LETTERS: Final = {
    "owner": "o",
    "admin": "a",
    "coach": "c",
    "author": "w",
    "evaluator": "e",
    "viewer": "v",
    "auditor": "d",
}

_GROUPS: Final = (
    # People who practice
    (
        "oa",
        """
        create_team update_team create_learner update_learner put_memberships
        """,
    ),
    (
        "oacevd",
        """
        list_teams get_team list_learners get_learner
        """,
    ),
    # What is practiced, and by what it is scored
    (
        "oacwevd",
        """
        list_scenarios get_scenario get_scenario_drift list_scenario_versions list_rubrics
        get_rubric list_rubric_versions get_rubric_version get_skills
        """,
    ),
    (
        "oaw",
        """
        create_scenario lint_scenario update_scenario get_scenario_draft
        replace_scenario_draft publish_scenario try_scenario get_scenario_version
        create_scenario_draft get_scenario_draft_result create_rubric lint_rubric
        update_rubric archive_rubric restore_rubric get_rubric_draft replace_rubric_draft
        dry_run_rubric publish_rubric create_rubric_draft get_rubric_draft_result
        put_skill drop_skill
        """,
    ),
    # Practice
    (
        "oac",
        """
        create_simulation update_simulation create_turn end_simulation create_branch
        create_simulation_batch estimate_simulation_batch update_simulation_batch
        cancel_operation
        """,
    ),
    (
        "oaced",
        """
        list_simulations get_simulation list_turns stream_simulation get_simulation_result
        compare_simulations get_simulation_batch list_operations get_operation
        """,
    ),
    # Scores
    (
        "oace",
        """
        create_scoring update_scoring put_contact rescore swap_roles create_scoring_batch
        estimate_scoring_batch cancel_scoring_batch override_assessment resolve_dispute
        """,
    ),
    (
        "oaced",
        """
        list_scorings get_scoring list_revisions get_timeline get_scoring_batch
        list_assessments get_assessment list_disputes get_dispute
        """,
    ),
    (
        "o",
        """
        acknowledge_assessment dispute_assessment
        """,
    ),
    # Reports, goals, outcomes
    (
        "oavd",
        """
        get_program get_program_roi get_scenario_quality list_programs
        make_report_documents
        """,
    ),
    (
        "oacvd",
        """
        list_report_documents get_report_document get_report_freshness get_heatmap
        get_heatmap_chart get_learner_goals get_next_practice get_learner_practice
        get_learner_proficiency get_learner_strengths get_outcome_correlations
        get_team_chart get_team_exercise get_team_outcomes get_team_page get_team_practice
        get_team_proficiency get_team_ranking get_team_strengths get_team_table
        get_team_trend get_transfer get_uniformity list_goals get_goal
        """,
    ),
    (
        "oac",
        """
        create_goal update_goal delete_goal
        """,
    ),
    (
        "oaced",
        """
        list_surveys get_survey list_survey_forms
        """,
    ),
    (
        "oa",
        """
        create_survey create_survey_batch put_survey_form create_program update_program
        """,
    ),
    (
        "oad",
        """
        export_assessments create_report_export get_report_export get_report_export_file
        list_statements
        """,
    ),
    # The tenant
    (
        "oad",
        """
        get_allowed_origins get_api_version get_limits get_lrs get_llm_settings
        get_report_settings get_identity_settings get_usage get_budget
        get_simulation_usage get_scoring_usage list_events list_event_types
        get_webhook_endpoint list_webhook_endpoints list_webhook_deliveries
        get_webhook_delivery list_webhook_keys
        """,
    ),
    (
        "oa",
        """
        put_allowed_origins put_api_version put_lrs delete_lrs put_llm_settings
        delete_llm_settings put_report_settings create_webhook_endpoint
        update_webhook_endpoint delete_webhook_endpoint rotate_webhook_secret
        test_webhook_endpoint resend_webhook_delivery recover_webhook_events
        """,
    ),
    (
        "o",
        """
        create_learner_token put_identity_settings delete_identity_settings
        export_tenant get_tenant_export get_tenant_export_file
        """,
    ),
    # Access
    (
        "oad",
        """
        list_api_keys get_api_key list_users get_user list_audit_entries export_audit_log
        get_audit_head get_erasure get_learner_export get_retention
        """,
    ),
    (
        "oa",
        """
        create_api_key update_api_key roll_api_key revoke_api_key create_user update_user
        delete_user erase_learner export_learner get_learner_export_file put_retention
        """,
    ),
)

MAY: Final[Mapping[str, str]] = {
    name: letters for letters, names in _GROUPS for name in names.split()
}
"""Letters by operation."""
