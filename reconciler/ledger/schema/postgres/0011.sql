-- From version 10 to 11. The commit up to which what pull requests approved was applied; so far that of a whole apply.
CREATE TABLE applied_approvals (
    environment text COLLATE "C" NOT NULL,
    commit_id text COLLATE "C" NOT NULL,
    applied_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (environment)
);
INSERT INTO applied_approvals (environment, commit_id, applied_at)
    SELECT environment, commit_id, applied_at FROM applied_commits;
