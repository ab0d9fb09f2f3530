-- From version 10 to 11. The commit up to which what pull requests approved was applied; so far that of a whole apply.
CREATE TABLE applied_approvals (
    environment TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    applied_at TEXT NOT NULL,
    PRIMARY KEY (environment)
);
INSERT INTO applied_approvals (environment, commit_id, applied_at)
    SELECT environment, commit_id, applied_at FROM applied_commits;
