-- Every page of offers keeps a seventh free: of the three in a hundred that change with a file, each finds its place on its own page, and
-- no index is written.
ALTER TABLE feed_offer SET (fillfactor = 85);
