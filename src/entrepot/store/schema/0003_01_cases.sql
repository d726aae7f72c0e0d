-- Whose promise it is: what is at risk or broken joins the one case of its seller and cause. Empty: nobody's in particular.
ALTER TABLE obligation ADD COLUMN seller text NOT NULL DEFAULT '';
ALTER TABLE obligation ADD COLUMN cause_key text NOT NULL DEFAULT '';

-- The name under which a plan asks the question itself; null: raised by somebody. Asked and decided once while it is not in a plan.
ALTER TABLE ownership_question ADD COLUMN plan_name text;
CREATE UNIQUE INDEX question_one_per_name ON ownership_question (plan_name) WHERE plan_name IS NOT NULL AND state <> 'in-blueprint';
