"""What all forms share."""

from flask_babel import gettext
from flask_wtf import FlaskForm

from portal.errors import InvalidError


class Form(FlaskForm):  # type: ignore[misc] # Flask-WTF has no types
    """A form that can carry an operation's refusal."""

    def refuse(self, error: InvalidError) -> None:
        """Show the error at its field, or above the form if it belongs to none."""
        sentence = gettext(error.message, **error.params)
        field = self._fields.get(error.field)
        if field is None:
            self.form_errors.append(sentence)
        else:
            field.errors = [*field.errors, sentence]
