-- name: list_documents
-- One page of weekly pages, in order of creation; who is bound to a learner sees none.
select document_id, team_id, week, created_at
  from report.documents
 where tenant_id = $1 and $2::uuid is null and ($3::uuid[] is null or team_id = any ($3))
   and ($4::uuid is null or document_id > $4)
   and ($5::uuid is null or team_id = $5)
   and ($6::date is null or week = $6)
 order by document_id
 limit $7

-- name: get_document
-- Whether the caller may see a weekly page.
select document_id, team_id, week, created_at
  from report.documents
 where tenant_id = $1 and $2::uuid is null and ($3::uuid[] is null or team_id = any ($3)) and document_id = $4
