"""Every question that reporting answers."""

from typing import Final

from services.reporting.desk import Question
from services.reporting.outcomes.beside import outcome_correlations, practice_transfer
from services.reporting.outcomes.team import team_outcomes
from services.reporting.practice.advice import next_practice, team_exercise
from services.reporting.practice.goals import goal_progress
from services.reporting.practice.proficiency import learner_proficiency, team_proficiency
from services.reporting.practice.ranking import team_ranking
from services.reporting.practice.scenarios import scenario_figures
from services.reporting.practice.volume import learner_practice, team_practice
from services.reporting.roi.answer import program_roi
from services.reporting.views.freshness import freshness
from services.reporting.views.strengths import learner_strengths, team_strengths
from services.reporting.views.tables import heatmap, uniformity
from services.reporting.views.trend import team_trend
from shared.contracts.reports.outcomes import (
    CORRELATIONS,
    OUTCOMES,
    TRANSFER,
    CorrelationsQuery,
    OutcomesQuery,
    TransferQuery,
)
from shared.contracts.reports.practice import (
    GoalProgressQuery,
    LearnerPracticeQuery,
    LearnerProficiencyQuery,
    NextPracticeQuery,
    RankingQuery,
    ScenarioQualityQuery,
    TeamExerciseQuery,
    TeamPracticeQuery,
    TeamQuestion,
)
from shared.contracts.reports.roi import ROI, RoiQuery
from shared.contracts.reports.tables import (
    FreshnessQuery,
    HeatmapQuery,
    LearnerStrengthsQuery,
    TeamStrengthsQuery,
    UniformityQuery,
)
from shared.contracts.reports.trend import TrendQuery

QUESTIONS: Final[tuple[Question, ...]] = (
    Question("trend", TrendQuery, team_trend),
    Question(ROI, RoiQuery, program_roi, deadline_s=10.0, in_flight=2),
    Question("heatmap", HeatmapQuery, heatmap, in_flight=8),
    Question("uniformity", UniformityQuery, uniformity, in_flight=8),
    Question("team_strengths", TeamStrengthsQuery, team_strengths),
    Question("learner_strengths", LearnerStrengthsQuery, learner_strengths),
    Question("freshness", FreshnessQuery, freshness),
    Question("learner_proficiency", LearnerProficiencyQuery, learner_proficiency),
    Question("team_proficiency", TeamQuestion, team_proficiency),
    Question("team_ranking", RankingQuery, team_ranking),
    Question("learner_practice", LearnerPracticeQuery, learner_practice),
    Question("team_practice", TeamPracticeQuery, team_practice),
    Question("goal_progress", GoalProgressQuery, goal_progress),
    Question("next_practice", NextPracticeQuery, next_practice),
    Question("team_exercise", TeamExerciseQuery, team_exercise),
    Question("scenario_quality", ScenarioQualityQuery, scenario_figures, in_flight=2),
    Question(OUTCOMES, OutcomesQuery, team_outcomes, in_flight=16),
    Question(CORRELATIONS, CorrelationsQuery, outcome_correlations, in_flight=4),
    Question(TRANSFER, TransferQuery, practice_transfer, in_flight=4),
)  # fmt: skip
"""Each is asked on `report.<name>`; names are for ever, for processes of two releases meet."""
