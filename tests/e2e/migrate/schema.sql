CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT, author TEXT, bought TIMESTAMP, fee TEXT);
CREATE TABLE member (name TEXT PRIMARY KEY, pin TEXT);
CREATE TABLE loan (id INTEGER PRIMARY KEY, member TEXT, book_id INTEGER UNIQUE);
INSERT INTO book VALUES
  (1, 'Middlemarch', 'Eliot', '2019-03-07 10:30:00', '0.50'),
  (2, 'Silas Marner', 'Eliot', '2020-11-20 09:00:00', '0.25'),
  (3, 'Persuasion', 'Austen', '2021-06-01 16:45:00', '0.50');
INSERT INTO member VALUES ('ann', '1234'), ('bob', '4321');
