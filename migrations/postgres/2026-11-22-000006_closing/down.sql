DROP TABLE register_closing;
