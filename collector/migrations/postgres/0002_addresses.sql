-- Where a destination led: the first addresses that events told of, texts; "*" at the end if there were more.
ALTER TABLE destinations ADD COLUMN addresses TEXT NOT NULL DEFAULT '[]';
-- The address that a decided request or connection went to, if its event tells it.
ALTER TABLE audit ADD COLUMN peer TEXT;
