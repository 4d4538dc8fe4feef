"""What all forms share."""

from flask_wtf import FlaskForm

from portal.errors import InvalidError
from portal.web.templating import in_words


class Form(FlaskForm):  # type: ignore[misc] # Flask-WTF has no types
    """A form that can carry an operation's refusal."""

    def refuse(self, error: InvalidError) -> None:
        """Show the error at its field, or above the form if it belongs to none."""
        sentence = in_words(error)
        field = self._fields.get(error.field)
        if field is None:
            self.form_errors.append(sentence)
        else:
            field.errors = [*field.errors, sentence]
