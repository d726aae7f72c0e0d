-- Whose promise it is: what is at risk or broken joins the one case of its seller and cause. Empty: nobody's in particular.
ALTER TABLE obligation ADD COLUMN seller text NOT NULL DEFAULT '';
ALTER TABLE obligation ADD COLUMN cause_key text NOT NULL DEFAULT '';
