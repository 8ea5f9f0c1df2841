"""That everybody is found by name: the words of names, and the keys of these words."""

CHECKS: dict[str, str] = {
    "a debtor stands under the words of their name and under no others": """
        SELECT 'debtor ' || coalesce(d.id, w.debtor_id)
        FROM (SELECT d.id, words_of(d.name_key) COLLATE "C" AS word FROM debtor d
          WHERE d.client_id = :client) d
        FULL JOIN (SELECT debtor_id, word FROM debtor_word WHERE client_id = :client) w
          ON w.debtor_id = d.id AND w.word = d.word
        WHERE d.id IS NULL OR w.debtor_id IS NULL""",
    "a word of a name has its key, and a key is of a word of somebody's name": """
        SELECT 'word ' || coalesce(w.word, k.word)
        FROM (SELECT DISTINCT word FROM debtor_word
          WHERE client_id = :client AND strpos(word, ' ') = 0) w
        FULL JOIN (SELECT word, bool_or(key = '=' || word) AS spelled FROM word_key
          WHERE client_id = :client GROUP BY word) k ON k.word = w.word
        WHERE w.word IS NULL OR k.spelled IS NOT TRUE""",
}
